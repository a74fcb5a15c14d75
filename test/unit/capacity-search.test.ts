import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CapacitySearch } from '../../src/capacity/search.ts';
import type { SearchLimits } from '../../src/capacity/search.ts';
import { seededGenerator } from '../../src/load/random.ts';

const limits: SearchLimits = {
  startPerSecond: 1000,
  lowestPerSecond: 1,
  highestPerSecond: 50_000,
  precision: 1.1,
  mostSteps: 40,
};

/** Lets the search ask a stage; returns the answer and the rates in the order they were asked. */
function search(holds: (rate: number, step: number) => boolean, changes: Partial<SearchLimits> = {}) {
  const searching = new CapacitySearch({ ...limits, ...changes });
  const rates: number[] = [];
  for (let rate = searching.next(); rate !== undefined; rate = searching.next()) {
    searching.add(rate, holds(rate, rates.length));
    rates.push(rate);
  }
  return { ...searching.bracket, rates };
}

describe('CapacitySearch', () => {
  it('doubles, halves the interval on a logarithmic scale, and drives both ends twice', () => {
    const { rates, heldPerSecond, missedPerSecond } = search((rate) => rate <= 4100);
    expect(rates).toEqual([1000, 2000, 4000, 8000, 5660, 4760, 4360, 4000, 4360]);
    expect([heldPerSecond, missedPerSecond]).toEqual([4000, 4360]);
  });

  it('goes down when the stage does not hold the rate it should', () => {
    const { rates, heldPerSecond, missedPerSecond } = search((rate) => rate <= 77);
    expect(rates.slice(0, 5)).toEqual([1000, 500, 250, 125, 62.5]);
    expect(heldPerSecond).toBeLessThanOrEqual(77);
    expect(missedPerSecond).toBeGreaterThan(77);
  });

  it('encloses any capacity within its precision, and never asks outside of its limits', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1.5, max: 45_000, noNaN: true }),
        fc.double({ min: 2, max: 40_000, noNaN: true }),
        (capacity, startPerSecond) => {
          const { heldPerSecond, missedPerSecond, rates } = search((rate) => rate <= capacity, { startPerSecond });
          expect(heldPerSecond).toBeLessThanOrEqual(capacity);
          expect(missedPerSecond).toBeGreaterThan(capacity);
          // Rounding of the rates comes on top.
          expect(missedPerSecond! / heldPerSecond!).toBeLessThan(1.11);
          expect(rates.every((rate) => rate >= 1 && rate <= 50_000)).toBe(true);
        },
      ),
    );
  });

  it('does not believe a rate that held once by luck', () => {
    // 8,000 holds the first time only; the truth is 4,100.
    const { heldPerSecond, missedPerSecond } = search((rate, step) => rate <= 4100 || (rate === 8000 && step === 3));
    expect(heldPerSecond).toBeLessThanOrEqual(4100);
    expect(missedPerSecond).toBeGreaterThan(4100);
  });

  it('lets a third step decide when the first two of a rate disagree', () => {
    let seen = 0;
    const { rates, heldPerSecond } = search((rate) => (rate === 1000 ? ++seen !== 1 : rate < 1000), {
      highestPerSecond: 1000,
      precision: 3,
    });
    expect(rates.filter((rate) => rate === 1000)).toHaveLength(3);
    expect(heldPerSecond).toBe(1000);
  });

  it('ends with a noisy stage too', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededGenerator(seed);
      const { heldPerSecond, missedPerSecond } = search(
        (rate) => (random.next() >>> 0) / 2 ** 32 < 1 / (1 + (rate / 3000) ** 12),
      );
      expect(heldPerSecond ?? missedPerSecond).toBeGreaterThan(300);
      expect(missedPerSecond ?? heldPerSecond).toBeLessThan(30_000);
    }
  });

  it.each([
    ['everything', () => true, { heldPerSecond: 50_000, missedPerSecond: undefined }],
    ['nothing', () => false, { heldPerSecond: undefined, missedPerSecond: 1 }],
  ])('says so when a stage holds %s', (_, holds, expected) => expect(search(holds)).toMatchObject(expected));
});
