import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signFlipPValue } from '../../src/stats/sign-flip.ts';
import { signedRank, signedRankPValue } from '../../src/stats/signed-rank.ts';

/** Hamilton depression scores of nine patients at two visits: Hollander and Wolfe, example 3.1. */
const firstVisit = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
const secondVisit = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
const depression = firstVisit.map((score, at) => score - secondVisit[at]!);

const differences = fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 24 });

/** Width of the interval of n differences that look random. */
function width(n: number): number {
  const wild = Array.from({ length: n }, (_, at) => Math.sin(at * 12.9898));
  const { low, high } = signedRank(wild, 0.05);
  return high - low;
}

describe('signedRank', () => {
  it('finds the estimate and interval of the textbook', () => {
    const { estimate, low, high } = signedRank(depression, 0.02);
    expect(estimate).toBeCloseTo(0.46, 10);
    expect(low).toBeCloseTo(0.01, 10);
    expect(high).toBeCloseTo(0.786, 10);
  });

  // Critical values of W for one-sided 5 %, as every table of the test prints them.
  it.each([
    [5, 0],
    [6, 2],
    [8, 5],
    [10, 10],
    [12, 17],
    [15, 30],
    [20, 60],
    [25, 100],
    [30, 151],
    [40, 286],
    [50, 466],
  ])('cuts as many averages of %i differences as the table says', (n, critical) => {
    // Powers of a number that no sum of them can make: no two averages are equal.
    const spread = Array.from({ length: n }, (_, at) => 1.37 ** at * (at % 2 === 0 ? 1 : -1));
    const { low, high } = signedRank(spread, 0.05);
    const averages = spread.flatMap((one, at) => spread.slice(at).map((other) => (one + other) / 2));
    expect(averages.filter((average) => average < low)).toHaveLength(critical);
    expect(averages.filter((average) => average > high)).toHaveLength(critical);
  });

  it('goes over to the normal distribution without a jump', () => {
    expect(width(61) / width(60)).toBeCloseTo(1, 1);
  });

  it('excludes nothing where pairs are too few for the error', () => {
    expect(signedRank([1, 2, 3, 4], 0.05)).toEqual({ estimate: 2.5, low: -Infinity, high: Infinity, n: 4 });
  });

  it('is exactly 0 for equal sides', () => {
    expect(signedRank(Array<number>(30).fill(0), 0.05)).toEqual({ estimate: 0, low: 0, high: 0, n: 30 });
  });

  it('keeps the estimate inside, moves with a shift and turns with the sign', () => {
    fc.assert(
      fc.property(differences, fc.integer({ min: -9, max: 9 }), (values, shift) => {
        const own = signedRank(values, 0.05);
        expect(own.low).toBeLessThanOrEqual(own.estimate);
        expect(own.high).toBeGreaterThanOrEqual(own.estimate);
        const moved = signedRank(
          values.map((value) => value + shift),
          0.05,
        );
        expect(moved.estimate).toBeCloseTo(own.estimate + shift, 9);
        const turned = signedRank(
          values.map((value) => 0 - value),
          0.05,
        );
        expect(0 - turned.low).toBe(own.high);
      }),
    );
  });

  it('refuses nothing at all', () => {
    expect(() => signedRank([], 0.05)).toThrow(RangeError);
  });
});

describe('signedRankPValue', () => {
  it('is the exact value of the textbook', () => {
    expect(signedRankPValue(depression, 0)).toBeCloseTo(0.019_53, 5);
  });

  it('agrees with counting all signs, ties and zeros too', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -6, max: 6 }), { minLength: 1, maxLength: 9 }), (values) => {
        expect(signedRankPValue(values, 0)).toBeCloseTo(countedOut(values), 10);
      }),
    );
  });

  it('is near the exact value above sixty pairs', () => {
    const values = Array.from({ length: 61 }, (_, at) => Math.sin(at * 78.233) + 0.15);
    expect(signedRankPValue(values, 0)).toBeCloseTo(signedRankPValue(values.slice(0, 60), 0), 1);
    expect(signedRankPValue(values, 0.15)).toBeGreaterThan(0.3);
  });

  it('falls where the interval leaves the margin', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 12, maxLength: 40 }), (values) => {
        const { low } = signedRank(values, 0.05);
        if (low > 0.1) expect(signedRankPValue(values, 0.1)).toBeLessThanOrEqual(0.05);
      }),
    );
  });
});

/** P(W+ >= w) over all signs of the ranks. */
function countedOut(values: readonly number[]): number {
  const kept = values.filter((value) => value !== 0);
  const ranks = kept.map(
    (value) =>
      kept.filter((other) => Math.abs(other) < Math.abs(value)).length +
      (kept.filter((other) => Math.abs(other) === Math.abs(value)).length + 1) / 2,
  );
  const sum = (chosen: (at: number) => boolean): number =>
    ranks.reduce((total, rank, at) => total + (chosen(at) ? rank : 0), 0);
  const observed = sum((at) => kept[at]! > 0);
  const all = Array.from({ length: 2 ** kept.length }, (_, signs) => sum((at) => ((signs >> at) & 1) === 1));
  return all.filter((other) => other >= observed).length / all.length;
}

describe('signFlipPValue', () => {
  it('is exact for twelve pairs: one of 4,096 flips is as high as twelve rises', () => {
    expect(
      signFlipPValue(
        Array.from({ length: 12 }, (_, at) => at + 1),
        0,
      ),
    ).toBe(1 / 4096);
  });

  // Darwin's fifteen pairs of plants, as Fisher counted them out in 1935: 863 of 32,768 flips reach the observed sum.
  it('comes near the counted value where flips are drawn', () => {
    const plants = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
    expect(signFlipPValue(plants, 0)).toBeCloseTo(863 / 32_768, 2);
  });

  it('is 1 for differences that all lie at the margin', () => {
    expect(signFlipPValue([0.1, 0.1, 0.1], 0.1)).toBe(1);
  });
});
