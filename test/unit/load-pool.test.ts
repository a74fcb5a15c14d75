import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FreeConnections, type PoolRules } from '../../src/load/pool.ts';
import { poolFiguresOf } from '../../src/load/pool-figures.ts';
import { createSamples, Fate, never } from '../../src/load/samples.ts';
import type { BlockRecord } from '../../src/load/recorder.ts';

function rulesWith(rules: Partial<PoolRules>): PoolRules & { closed: number[] } {
  const closed: number[] = [];
  return {
    closed,
    min: 0,
    disconnect: (connection) => void closed.push(connection),
    refuse: () => ({ fate: Fate.failed, error: 1, retries: 0 }),
    ...rules,
  };
}

describe('connections that are free', () => {
  it('are used by who came last, so that few are open where few are needed', () => {
    const free = new FreeConnections(3, rulesWith({ min: 1 }));
    expect(free.take()).toBe(0);
    free.release(0, 10, true);
    expect(free.take()).toBe(0);
    expect([free.take(), free.take(), free.take()]).toEqual([1, 2, undefined]);
  });

  it('take turns in a warm-up where all are open', () => {
    const free = new FreeConnections(2);
    free.release(free.take()!, 10, true);
    expect(free.take()).toBe(1);
  });

  it('are closed when idle for too long, down to those that are kept', () => {
    const rules = rulesWith({ min: 1, idleTimeoutUs: 100 });
    const free = new FreeConnections(4, rules);
    const taken = [free.take()!, free.take()!, free.take()!];
    for (const connection of taken) free.release(connection, connection * 40, false);
    free.closeIdle(99);
    expect(rules.closed).toEqual([]);
    free.closeIdle(150);
    expect(rules.closed).toEqual([0, 1]);
    free.closeIdle(10_000);
    // One is left, the warmest.
    expect(rules.closed).toEqual([0, 1]);
    expect(free.take()).toBe(2);
  });

  it('are each in one pair of hands, and never fewer open than are kept', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.nat(5),
        fc.array(fc.oneof(fc.constant('take'), fc.constant('release'), fc.constant('wait')), { maxLength: 60 }),
        (size, least, steps) => {
          const min = Math.min(size, least);
          const rules = rulesWith({ min, idleTimeoutUs: 2 });
          const free = new FreeConnections(size, rules);
          const open = new Set(Array.from({ length: min }, (_, connection) => connection));
          const taken: number[] = [];
          for (const [nowUs, step] of steps.entries()) {
            if (step === 'take') {
              const connection = free.take();
              expect(connection === undefined).toBe(taken.length === size);
              if (connection === undefined) continue;
              expect(taken).not.toContain(connection);
              taken.push(connection);
              open.add(connection);
            } else if (step === 'release' && taken.length > 0) free.release(taken.shift()!, nowUs, false);
            else free.closeIdle(nowUs);
            for (const connection of rules.closed.splice(0)) {
              expect(taken).not.toContain(connection);
              expect(open.delete(connection)).toBe(true);
            }
            expect(open.size).toBeGreaterThanOrEqual(min);
            expect(free.count).toBe(size - taken.length);
          }
        },
      ),
    );
  });
});

/** Four arrivals on two connections: due, lateness, sent and end in milliseconds; the last got no connection. */
function samplesOf(rows: readonly (readonly [due: number, late: number, sent: number, end: number])[]) {
  const samples = createSamples({
    dueUs: Float64Array.from(rows, ([due]) => due * 1000),
    transaction: new Uint16Array(rows.length),
  });
  for (const [arrival, [, late, sent, end]] of rows.entries()) {
    samples.latenessUs[arrival] = late * 1000;
    samples.sentUs[arrival] = sent < 0 ? never : sent * 1000;
    samples.endUs[arrival] = end * 1000;
    samples.fate[arrival] = sent < 0 ? Fate.failed : Fate.succeeded;
    samples.error[arrival] = sent < 0 ? 1 : 0;
  }
  return samples;
}

const record: BlockRecord = {
  id: 'only',
  stage: 'only',
  startedAt: '2026-11-01T00:00:00Z',
  ratePerSecond: 40,
  plannedMs: 100,
  warmupMs: 0,
  stopMs: 100,
  outcome: 'complete',
  transactions: [{ name: 'only', access: 'read' }],
  errors: [{ code: 'POOL_TIMEOUT', example: '' }],
  classes: [],
  cpuCores: 0,
  eventLoopDelayP99Us: 0,
  precedence: {},
  workers: 1,
  pool: { max: 2, min: 2, exhausted: 2, opened: 0 },
};

describe('figures of a pool', () => {
  const samples = samplesOf([
    [0, 0, 0, 40],
    [10, 0, 0, 50],
    [20, 1, 21, 30],
    [30, 0, -1, 5],
  ]);
  const all = Uint32Array.from([0, 1, 2, 3]);

  it('count the wait from when a connection was wanted', () => {
    const { wait } = poolFiguresOf(record, samples, all)!;
    expect(wait.count).toBe(4);
    expect(wait.maxUs / 20_000).toBeCloseTo(1, 2);
    expect(wait.minUs).toBe(0);
  });

  it('tell how much of the connections was used, and how many at once', () => {
    // 40, 50 and 9 ms, of two connections for 100 ms.
    expect(poolFiguresOf(record, samples, all)).toMatchObject({ utilisation: 99 / 200, busiest: 2, timedOut: 1 });
    expect(poolFiguresOf({ ...record, warmupMs: 30, stopMs: 45 }, samples, all)!.utilisation).toBeCloseTo(29 / 30, 9);
  });

  it('are not made up for blocks that did not count', () => {
    const { pool: _, ...older } = record;
    expect(poolFiguresOf(older, samples, all)).toBeUndefined();
  });
});
