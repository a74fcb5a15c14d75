import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binomialTail, binomialUpperBound } from '../../src/stats/binomial.ts';
import { holm } from '../../src/stats/holm.ts';
import { normalQuantile, normalTail, z95 } from '../../src/stats/normal.ts';
import { detectableEffect, pairsNeeded, standardError } from '../../src/stats/power.ts';

const errors = { tail: 0.05, power: 0.8 };

describe('pairsNeeded', () => {
  const margin = Math.log(1.1);

  it.each([
    [0.05, 5, 5, 5, 5],
    [0.1, 9, 10, 5, 5],
    [0.2, 29, 35, 11, 5],
    [0.3, 63, 75, 22, 8],
    [0.5, 172, 206, 57, 18],
  ])('gives the table of the method for a deviation of %d', (deviation, equal, fifth, third, half) => {
    const toFail = (ratio: number): number => pairsNeeded(deviation, Math.log(ratio) - margin, errors);
    expect(pairsNeeded(deviation, margin, errors)).toBe(equal);
    expect([toFail(1.2), toFail(1.3), toFail(1.5)]).toEqual([fifth, third, half]);
  });
});

describe('detectableEffect', () => {
  it('lies above the margin by what the interval leaves open', () => {
    const interval = { estimate: 0, low: -0.1, high: 0.1, n: 30 };
    expect(standardError(interval, 0.05)).toBeCloseTo(0.1 / z95, 12);
    expect(detectableEffect(interval, 0.2, errors)).toBeCloseTo(0.2 + 0.1 * ((z95 + 0.841_621) / z95), 5);
  });
});

describe('normalTail and normalQuantile', () => {
  it.each([
    [0, 0.5],
    [1, 0.158_655_253_931_457],
    [z95, 0.05],
    [2.575_829_303_548_9, 0.005],
    [3, 0.001_349_898_031_630_1],
    [-1.959_963_984_540_05, 0.975],
    [5, 2.866_515_718_791_9e-7],
  ])('give %d and %d', (z, tail) => {
    expect(normalTail(z) / tail).toBeCloseTo(1, 10);
    expect(normalQuantile(tail)).toBeCloseTo(z, 8);
  });

  it('refuse what is no probability', () => {
    expect(() => normalQuantile(0)).toThrow(RangeError);
    expect(() => normalQuantile(1)).toThrow(RangeError);
  });
});

describe('binomialTail', () => {
  it.each([
    [1, 1, 0.5, 0.5],
    [8, 10, 0.5, 56 / 1024],
    [0, 7, 0.3, 1],
    [8, 7, 0.3, 0],
    [3, 3, 1, 1],
    [3, 10, 0, 0],
  ])('of %i in %i at %d is %d', (k, n, p, tail) => {
    expect(binomialTail(k, n, p)).toBeCloseTo(tail, 12);
  });

  it('stays a probability for large numbers', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), fc.double({ min: 0, max: 1, noNaN: true }), (k, n, p) => {
        const tail = binomialTail(k, n, p);
        expect(tail).toBeGreaterThanOrEqual(0);
        expect(tail).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('binomialUpperBound', () => {
  // The rule of three, exactly: 1 - 0.05^(1/n); and Clopper and Pearson's chart.
  it.each([
    [0, 20, 1 - 0.05 ** (1 / 20)],
    [1, 20, 0.2161],
    [10, 20, 0.698],
    [20, 20, 1],
  ])('of %i in %i is %d', (hits, n, bound) => {
    expect(binomialUpperBound(hits, n, 0.05)).toBeCloseTo(bound, 4);
  });
});

describe('holm', () => {
  it('multiplies the smallest by the number of tests, the next by one less, and never lets one fall below another', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  });

  it('changes nothing for one test, and nothing at all for none', () => {
    expect(holm([0.2])).toEqual([0.2]);
    expect(holm([])).toEqual([]);
  });

  it('never exceeds 1 and keeps the order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (values) => {
        const adjusted = holm(values);
        values.forEach((value, at) => {
          expect(adjusted[at]).toBeGreaterThanOrEqual(value);
          expect(adjusted[at]).toBeLessThanOrEqual(1);
        });
      }),
    );
  });
});
