import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { buildSchedule, stripe } from '../../src/load/schedule.ts';
import type { ScheduleOptions } from '../../src/load/schedule.ts';

const options = (changes: Partial<ScheduleOptions> = {}): ScheduleOptions => ({
  seed: 7,
  blockNumber: 0,
  ratePerSecond: 1000,
  arrivals: 'poisson',
  durationMs: 20_000,
  transactions: [
    { name: 'a', weight: 6 },
    { name: 'b', weight: 3 },
    { name: 'never', weight: 0 },
    { name: 'c', weight: 1 },
  ],
  ...changes,
});

/** Largest distance between the sample's distribution and the exponential one (Kolmogorov-Smirnov statistic). */
function distanceToExponential(gapsUs: Float64Array, meanUs: number): number {
  const sorted = gapsUs.toSorted();
  let largest = 0;
  sorted.forEach((gap, rank) => {
    const expected = 1 - Math.exp(-gap / meanUs);
    largest = Math.max(
      largest,
      Math.abs(expected - rank / sorted.length),
      Math.abs(expected - (rank + 1) / sorted.length),
    );
  });
  return largest;
}

describe('buildSchedule', () => {
  it('puts constant arrivals one gap apart', () => {
    const { dueUs } = buildSchedule(options({ arrivals: 'constant', ratePerSecond: 4, durationMs: 1500 }));
    expect([...dueUs]).toEqual([0, 250_000, 500_000, 750_000, 1_000_000, 1_250_000]);
  });

  it('does not drift at rates that do not divide a second', () => {
    const { dueUs } = buildSchedule(options({ arrivals: 'constant', ratePerSecond: 3, durationMs: 100_000 }));
    expect(dueUs.length).toBe(300);
    expect(dueUs[299]).toBeCloseTo(299e6 / 3, 6);
  });

  it('draws Poisson arrivals: exponential gaps, independent of each other', () => {
    const { dueUs } = buildSchedule(options());
    const gaps = Float64Array.from(dueUs, (due, arrival) => due - (dueUs[arrival - 1] ?? 0));
    // 1.95 / sqrt(n): a true exponential exceeds it once in a thousand seeds; this seed is fixed.
    expect(distanceToExponential(gaps, 1000)).toBeLessThan(1.95 / Math.sqrt(gaps.length));
    expect(Math.abs(dueUs.length - 20_000)).toBeLessThan(4 * Math.sqrt(20_000));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    let lagged = 0;
    let squared = 0;
    gaps.forEach((gap, arrival) => {
      squared += (gap - mean) ** 2;
      if (arrival > 0) lagged += (gap - mean) * (gaps[arrival - 1]! - mean);
    });
    expect(Math.abs(lagged / squared)).toBeLessThan(4 / Math.sqrt(gaps.length));
  });

  it('has Poisson counts per 100 ms: their variance equals their mean', () => {
    const { dueUs } = buildSchedule(options());
    const counts = new Float64Array(200);
    for (const due of dueUs) counts[Math.floor(due / 100_000)]!++;
    const mean = dueUs.length / 200;
    const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / 199;
    // The ratio has a standard deviation of sqrt(2 / 199) = 0.1.
    expect(variance / mean).toBeGreaterThan(0.6);
    expect(variance / mean).toBeLessThan(1.4);
  });

  it('chooses transactions in proportion to their weights', () => {
    const { transaction } = buildSchedule(options());
    const counts = [0, 0, 0, 0];
    for (const number of transaction) counts[number]!++;
    const n = transaction.length;
    const expected = [0.6 * n, 0.3 * n, 0, 0.1 * n];
    expect(counts[2]).toBe(0);
    const chiSquare = [0, 1, 3].reduce((sum, i) => sum + (counts[i]! - expected[i]!) ** 2 / expected[i]!, 0);
    expect(chiSquare).toBeLessThan(13.8); // 2 degrees of freedom, once in a thousand
  });

  it('gives the same block the same arrivals, and another block or seed others', () => {
    expect(buildSchedule(options())).toEqual(buildSchedule(options()));
    expect(buildSchedule(options({ blockNumber: 1 })).dueUs[0]).not.toBe(buildSchedule(options()).dueUs[0]);
    expect(buildSchedule(options({ seed: 8 })).dueUs[0]).not.toBe(buildSchedule(options()).dueUs[0]);
  });

  it('is sorted and lies within the block, whatever the options', () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.nat(),
          blockNumber: fc.nat(1000),
          ratePerSecond: fc.double({ min: 0.5, max: 5000, noNaN: true }),
          arrivals: fc.constantFrom('poisson' as const, 'constant' as const),
          durationMs: fc.integer({ min: 1, max: 1000 }),
        }),
        (changes) => {
          const { dueUs, transaction } = buildSchedule(options(changes));
          expect(transaction.length).toBe(dueUs.length);
          dueUs.forEach((due, arrival) => {
            if (due < (dueUs[arrival - 1] ?? 0) || due >= changes.durationMs * 1000)
              throw new Error(`${due} is misplaced`);
          });
          expect([...transaction].every((number) => number < 4 && number !== 2)).toBe(true);
        },
      ),
      { numRuns: 50, seed: 1 },
    );
  });

  it('refuses a block that is too long to number, and a workload without weights', () => {
    expect(() => buildSchedule(options({ durationMs: 20_000_000 }))).toThrow(UsageError);
    expect(() => buildSchedule(options({ transactions: [{ name: 'a', weight: 0 }] }))).toThrow(/weight/);
  });
});

describe('stripe', () => {
  it('deals every arrival to exactly one worker, evenly', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.integer({ min: 1, max: 9 }), (count, workers) => {
        const stripes = Array.from({ length: workers }, (_, worker) => stripe(count, worker, workers));
        const all = stripes.flatMap((own) => [...own]).sort((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: count }, (_, arrival) => arrival));
        const lengths = stripes.map((own) => own.length);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }),
      { seed: 1 },
    );
  });

  it('takes every n-th arrival', () => {
    expect([...stripe(8, 1, 3)]).toEqual([1, 4, 7]);
  });
});
