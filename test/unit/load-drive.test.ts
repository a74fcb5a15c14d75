import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DriveProgress } from '../../src/load/drive.ts';
import { seededGenerator } from '../../src/load/random.ts';
import { Fate, never } from '../../src/load/samples.ts';
import type { ServerBehaviour } from './load-fakes.ts';
import { simulate, steady } from './load-simulation.ts';

describe('drive', () => {
  it('shows a stall of one second at 100/s as about 100 late responses and one slow service per connection', async () => {
    const { block, samples } = await simulate({
      connections: 1,
      server: { serviceUs: () => 1000, stallUs: [2_000_000, 3_000_000] },
    });
    const late = samples.endUs.filter((responseUs) => responseUs > 50_000).length;
    const slow = samples.endUs.filter((responseUs, arrival) => responseUs - samples.sentUs[arrival]! > 50_000).length;
    expect(block.counts).toEqual({ scheduled: 1000, succeeded: 1000, failed: 0, timedOut: 0, unfinished: 0 });
    expect(late).toBeGreaterThanOrEqual(95);
    expect(late).toBeLessThanOrEqual(106);
    expect(slow).toBe(1);
    expect(block.missed).toBe(late);
    // What a closed loop would have shown, and what the users felt.
    expect(block.total.service.p95Us).toBeLessThan(2000);
    expect(block.total.response.p95Us).toBeGreaterThan(450_000);
    expect(block.longestGapMs).toBeCloseTo(1000, -2);
    expect(block.outcome).toBe('complete');
  });

  it('shows the same stall once per connection in the service times', async () => {
    const { samples } = await simulate({ server: { serviceUs: () => 1000, stallUs: [2_000_000, 3_000_000] } });
    const slow = samples.endUs.filter((responseUs, arrival) => responseUs - samples.sentUs[arrival]! > 50_000).length;
    expect(slow).toBe(4);
  });

  it('never waits for completions, and never uses more connections than it has', async () => {
    const { executor, samples } = await simulate({ ratePerSecond: 200, durationMs: 1000, server: steady(15_000) });
    expect(executor.mostBusy).toBe(3);
    expect([...samples.sentUs].every((sentUs) => sentUs === 0)).toBe(true);
    const crowded = await simulate({ ratePerSecond: 200, durationMs: 1000, server: steady(25_000) });
    expect(crowded.executor.mostBusy).toBe(4);
    expect(crowded.block.counts.succeeded).toBe(200);
  });

  it('serves the queue first come, first served', async () => {
    const { executor } = await simulate({
      ratePerSecond: 300,
      pattern: 'poisson',
      durationMs: 2000,
      server: { serviceUs: (arrival) => 5000 + ((arrival * 7919) % 9000) },
    });
    expect(executor.executed).toEqual(executor.executed.toSorted((a, b) => a - b));
  });

  it('draws parameters ahead, each once and in order', async () => {
    const { executor, samples } = await simulate({ durationMs: 2000, server: steady(1000) });
    expect(executor.prepared).toEqual([...samples.dueUs.keys()]);
  });

  it('drives the warm-up but does not count it', async () => {
    const { block, executor } = await simulate({ durationMs: 2000, warmupMs: 1000, server: steady(1000) });
    expect(executor.executed.length).toBe(300);
    expect(block.counts.scheduled).toBe(200);
    expect(block.measuredMs).toBe(2000);
    expect(block.timeline.map(({ offsetMs, scheduled }) => [offsetMs, scheduled])).toEqual([
      [0, 100],
      [1000, 100],
    ]);
  });

  it('says when nothing is under way, and only then', async () => {
    const server: ServerBehaviour = { serviceUs: (arrival) => (arrival % 4 === 1 ? 12_000 : 1000) };
    const { idleUs } = await simulate({ durationMs: 80, server });
    // One arrives every 10 ms; the second outlasts the third, and the sixth the seventh.
    expect(idleUs).toEqual([1000, 22_000, 31_000, 41_000, 62_000, 71_000]);
  });

  it('keeps apart when the answer began', async () => {
    const { block } = await simulate({ durationMs: 1000, server: steady(1000) });
    expect(block.total.firstByte).toMatchObject({ count: block.counts.scheduled, minUs: 500, maxUs: 500 });
    expect(block.total.service).toMatchObject({ minUs: 1000, maxUs: 1000 });
  });

  it('warms every connection up, then prefers the warmest', async () => {
    const { executor } = await simulate({ durationMs: 1000, warmupMs: 1000, server: steady(1000) });
    expect(executor.used.slice(0, 8)).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
    expect(new Set(executor.used.slice(91)).size).toBe(1);
  });

  it('conserves the counts whatever the server does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.integer({ min: 100, max: 400_000 }), fc.constantFrom(1 as const, 2 as const, 3 as const)),
          {
            minLength: 5,
            maxLength: 40,
          },
        ),
        fc.integer({ min: 1, max: 5 }),
        fc.option(fc.integer({ min: 1, max: 1500 }), { nil: undefined }),
        async (behaviour, connections, abortAtMs) => {
          const of = (arrival: number) => behaviour[arrival % behaviour.length]!;
          const { block, samples, result } = await simulate({
            pattern: 'poisson',
            durationMs: 1500,
            connections,
            drainUs: 500_000,
            ...(abortAtMs === undefined ? {} : { abortAtMs }),
            server: {
              serviceUs: (arrival) => of(arrival)[0],
              ending: (arrival) => ({ fate: of(arrival)[1], error: 1 }),
            },
          });
          const offered = samples.dueUs.filter((dueUs) => dueUs <= result.stopUs).length;
          const { scheduled, succeeded, failed, timedOut, unfinished } = block.counts;
          expect(scheduled).toBe(offered);
          expect(succeeded + failed + timedOut + unfinished).toBe(scheduled);
          expect(block.total.response.count).toBe(scheduled);
          expect(block.missed).toBeGreaterThanOrEqual(failed + timedOut + unfinished);
        },
      ),
      { numRuns: 40, seed: 1 },
    );
  });
});

describe('several loops over one schedule', () => {
  it.each([1, 2, 3, 7])('carry out the same arrivals, each once, with %i workers', async (workers) => {
    const { block, executor, samples } = await simulate({
      pattern: 'poisson',
      ratePerSecond: 150,
      workers,
      server: {
        serviceUs: () => 1000,
        ending: (arrival) => (arrival % 10 === 3 ? { fate: Fate.failed, error: 1 } : {}),
      },
    });
    expect(executor.executed.toSorted((a, b) => a - b)).toEqual([...samples.dueUs.keys()]);
    const failed = samples.dueUs.filter((_, arrival) => arrival % 10 === 3).length;
    expect(block.counts).toMatchObject({ scheduled: samples.dueUs.length, failed, unfinished: 0 });
    expect(block.transactions[0]!.errors).toEqual({ X: { count: failed, example: 'x' } });
  });

  it('are judged together: saturation is noticed and stops all of them', async () => {
    const { result, block, samples } = await simulate({
      ratePerSecond: 1000,
      durationMs: 60_000,
      workers: 2,
      connections: 2,
      server: steady(285_714),
    });
    expect(result.outcome).toBe('saturated');
    expect(result.saturation!.atUs).toBeLessThan(3_000_000);
    // Two queues of about 1,500 each.
    expect(result.saturation!.backlog).toBeGreaterThan(2000);
    expect(block.counts.scheduled).toBe(block.counts.succeeded + block.counts.unfinished);
    expect(samples.fate.filter((fate) => fate !== Fate.notOffered).length).toBe(block.counts.scheduled);
  });

  it('are stopped by the length of their queues together', async () => {
    const { result } = await simulate({
      ratePerSecond: 1000,
      workers: 2,
      backlogLimit: 500,
      server: steady(5_000_000),
    });
    expect(result.outcome).toBe('saturated');
    expect(result.saturation!.backlog).toBeGreaterThan(500);
    expect(result.stopUs).toBeLessThan(700_000);
  });
});

describe('drive at the end of a block', () => {
  it('serves what waits after the planned end until the deadline, then counts the rest with its age', async () => {
    // 100 arrivals of 100 ms over four connections: 2.5 s of work offered in one.
    const served = await simulate({ durationMs: 1000, server: steady(100_000) });
    expect(served.block.counts.succeeded).toBe(100);
    const cut = await simulate({ durationMs: 1000, drainUs: 500_000, server: steady(100_000) });
    expect(cut.block.counts.unfinished).toBeGreaterThan(30);
    expect(cut.block.counts.succeeded + cut.block.counts.unfinished).toBe(100);
    // The last arrival was due at 990 ms and given up at 1,500 ms, without ever having been sent.
    expect(cut.samples.fate[99]).toBe(Fate.unfinished);
    expect(cut.samples.endUs[99]).toBe(510_000);
    expect(cut.samples.sentUs[99]).toBe(never);
    expect(cut.block.total.wait.maxUs).toBeGreaterThanOrEqual(510_000);
    expect(cut.block.total.service.count).toBeLessThan(100);
  });

  it('ignores what ends after the deadline', async () => {
    const { samples, block } = await simulate({ durationMs: 100, drainUs: 1_000_000, server: steady(60_000_000) });
    expect(block.counts.unfinished).toBe(10);
    expect(samples.endUs[0]).toBe(1_100_000);
  });

  it('keeps what has finished when it is interrupted, and does not start what waits', async () => {
    const { block, executor, result } = await simulate({ abortAtMs: 1505, server: steady(100_000) });
    expect(result.outcome).toBe('interrupted');
    expect(result.stopUs).toBeCloseTo(1_505_000, -3);
    expect(block.counts.scheduled).toBe(151);
    expect(executor.executed.length).toBe(block.counts.succeeded);
    expect(block.counts.unfinished).toBe(151 - block.counts.succeeded);
    expect(block.measuredMs).toBeCloseTo(1505, 0);
  });

  it('offers nothing when it is interrupted before it starts', async () => {
    const { block, executor } = await simulate({ signal: AbortSignal.abort(), server: steady(1000) });
    expect(executor.executed.length).toBe(0);
    expect(block.counts.scheduled).toBe(0);
    expect(block.outcome).toBe('interrupted');
    expect(block.total.response).toMatchObject({ count: 0, p95Us: 0, maxUs: 0 });
  });

  it('counts the time to get a lost connection back as waiting', async () => {
    let lost = true;
    const { samples } = await simulate({
      durationMs: 1000,
      connections: 1,
      server: {
        serviceUs: () => 1000,
        connect: (time) => {
          if (!lost) return undefined;
          lost = false;
          return new Promise((resolve) => time.at(time.nowUs() + 25_000, resolve));
        },
      },
    });
    expect(samples.fate.every((fate) => fate === Fate.succeeded)).toBe(true);
    expect([...samples.sentUs.subarray(0, 5)]).toEqual([25_000, 16_000, 7_000, 0, 0]);
    expect([...samples.endUs.subarray(0, 5)]).toEqual([26_000, 17_000, 8_000, 1_000, 1_000]);
  });

  it('lets the transaction report what is wrong when a connection cannot be had', async () => {
    const { block } = await simulate({
      durationMs: 500,
      server: {
        serviceUs: () => 0,
        connect: () => Promise.reject(new Error('refused')),
        ending: () => ({ fate: Fate.failed, error: 1 }),
      },
    });
    expect(block.counts).toMatchObject({ scheduled: 50, failed: 50 });
    expect(block.transactions[0]!.errors).toEqual({ X: { count: 50, example: 'x' } });
  });
});

describe('saturation', () => {
  it('is noticed within 3 s and told with the rate that the stage did hold', async () => {
    // Four connections of 286 ms each: 14 a second.
    const { result, block } = await simulate({ ratePerSecond: 1000, durationMs: 60_000, server: steady(285_714) });
    expect(result.outcome).toBe('saturated');
    expect(result.saturation!.atUs).toBeLessThan(3_000_000);
    expect(result.stopUs).toBe(result.saturation!.atUs);
    expect(block.saturation!.backlog).toBeGreaterThan(2000);
    expect(block.saturation!.heldPerSecond).toBeGreaterThan(11);
    expect(block.saturation!.heldPerSecond).toBeLessThan(15);
    expect(block.counts.scheduled).toBe(block.counts.succeeded + block.counts.unfinished);
  });

  it('goes on for the minimum time, so that slow stages still give samples', async () => {
    const { result, block } = await simulate({
      ratePerSecond: 500,
      durationMs: 60_000,
      minimumUs: 10_000_000,
      server: steady(285_714),
    });
    expect(result.saturation!.atUs).toBeLessThan(3_000_000);
    expect(result.stopUs).toBeGreaterThanOrEqual(10_000_000);
    expect(result.stopUs).toBeLessThan(10_200_000);
    expect(block.saturation!.heldPerSecond).toBeCloseTo(14, 0);
  });

  it('is looked for after the warm-up only', async () => {
    const { result } = await simulate({
      durationMs: 5000,
      warmupMs: 4000,
      server: { serviceUs: () => 1000, stallUs: [0, 3_500_000] },
    });
    expect(result.outcome).toBe('complete');
    expect(result.saturation).toBeUndefined();
  });

  it.each([500_000, 1_000_000, 2_000_000, 2_400_000])('is not a stall of %i us', async (stallUs) => {
    const { result } = await simulate({
      ratePerSecond: 1000,
      server: { serviceUs: () => 1000, stallUs: [3_000_000, 3_000_000 + stallUs] },
    });
    expect(result.outcome).toBe('complete');
  });

  it('is taken back when the queue empties before the minimum time is over', async () => {
    const { result } = await simulate({
      minimumUs: 9_000_000,
      server: { serviceUs: () => 1000, stallUs: [1_000_000, 5_000_000] },
    });
    expect(result.outcome).toBe('complete');
    expect(result.saturation).toBeUndefined();
  });

  it('is not a stage that only just holds: exponential services at 95 % of the capacity', async () => {
    const random = seededGenerator(3);
    const exponential = Array.from({ length: 30_000 }, () => -Math.log1p(-((random.next() >>> 0) / 2 ** 32)) * 19_000);
    const { result, block } = await simulate({
      ratePerSecond: 200,
      pattern: 'poisson',
      durationMs: 120_000,
      server: { serviceUs: (arrival) => exponential[arrival]! },
    });
    expect(block.total.response.p95Us).toBeGreaterThan(49_000);
    expect(result.outcome).toBe('complete');
  });

  it('is found also when only a tenth of the load is too much, only later', async () => {
    const { result, block } = await simulate({ ratePerSecond: 110, durationMs: 60_000, server: steady(40_000) });
    expect(result.outcome).toBe('saturated');
    expect(result.stopUs).toBeLessThan(20_000_000);
    expect(block.saturation!.heldPerSecond).toBeCloseTo(100, -1);
  });

  it('ends the block at once when the queue exceeds its limit', async () => {
    const { result } = await simulate({
      ratePerSecond: 1000,
      minimumUs: 10_000_000,
      backlogLimit: 500,
      server: steady(285_714),
    });
    expect(result.outcome).toBe('saturated');
    expect(result.saturation!.backlog).toBeGreaterThan(500);
    expect(result.stopUs).toBeLessThan(700_000);
  });

  it('tells its progress', async () => {
    const seen: DriveProgress[] = [];
    await simulate({ durationMs: 1000, server: steady(1000), onProgress: (progress) => void seen.push(progress) });
    expect(seen.length).toBeGreaterThanOrEqual(9);
    expect(seen[4]).toMatchObject({ failed: 0, waiting: 0 });
    expect(seen[4]!.completed).toBeGreaterThan(45);
    expect(seen[4]!.completed).toBeLessThan(55);
  });
});
