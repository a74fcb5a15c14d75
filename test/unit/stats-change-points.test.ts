import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { array, assert, integer, property } from 'fast-check';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, it } from 'vitest';
import { changePoints, leastSegment, oddStretch } from '../../src/stats/change-points.ts';
import { midRanks } from '../../src/stats/ranks.ts';

/** Node's own test (24.21); its type definitions do not know it yet. */
interface MannWhitney {
  mannWhitneyTest(other: RecordableHistogram): { uStatistic: number } | undefined;
}

function nodesU(one: readonly number[], other: readonly number[]): number {
  const [first, second] = [one, other].map((values) => {
    const histogram = createHistogram();
    for (const value of values) histogram.record(value);
    return histogram as RecordableHistogram & MannWhitney;
  });
  return first!.mannWhitneyTest(second!)!.uStatistic;
}

interface Noise {
  /** Correlation of neighbours. */
  correlation: number;
  /** Of the natural logarithm. */
  deviation: number;
}

/** p95 of runs, multiplied by `step` from the middle on. */
function series(length: number, step: number, { correlation, deviation }: Noise, seed: number): number[] {
  const random = xoroshiro128plus(seed * 7919 + length);
  const normal = () => Array.from({ length: 12 }, () => uniformFloat64(random)).reduce((sum, value) => sum + value, -6);
  let level = normal();
  return Array.from({ length }, (_, at) => {
    level = correlation * level + Math.sqrt(1 - correlation ** 2) * normal();
    return 20_000 * Math.exp(deviation * level) * (at >= length / 2 ? step : 1);
  });
}

/** Shares of 100 series in which a change was found, and in which it was placed within two runs of the middle. */
function found(length: number, step: number, noise: Noise): { any: number; placed: number } {
  const all = Array.from({ length: 100 }, (_, seed) => changePoints(series(length, step, noise, seed)));
  const placed = all.filter((points) => points.some(({ at }) => Math.abs(at - length / 2) <= 2));
  return { any: all.filter((points) => points.length > 0).length / 100, placed: placed.length / 100 };
}

describe('the statistic', () => {
  it("agrees with Node's Mann-Whitney U of the stretch against the rest, ties included", () => {
    const values = array(integer({ min: 1, max: 60 }), { minLength: 2 * leastSegment, maxLength: 40 });
    assert(
      property(values, (sample) => {
        const { from, to, z } = oddStretch(midRanks(sample));
        const [inside, n] = [to - from, sample.length];
        const u = nodesU(sample.slice(from, to), sample.toSpliced(from, inside));
        const mean = (inside * (n - inside)) / 2;
        expect(z).toBeCloseTo(Math.abs(u - mean) / Math.sqrt((mean * (n + 1)) / 6), 9);
      }),
    );
  });

  it('knows only order: any growing function of the values gives the same places', () => {
    const values = array(integer({ min: 1, max: 1000 }), { minLength: 10, maxLength: 30 });
    assert(
      property(values, (sample) => {
        expect(changePoints(sample.map((value) => value ** 3 + 7))).toEqual(changePoints(sample));
      }),
      { numRuns: 20 },
    );
  });
});

describe('places', () => {
  it.each([
    { what: 'nothing in an empty series', values: [], places: [] },
    { what: 'nothing where all are equal', values: Array.from({ length: 40 }, () => 7), places: [] },
    { what: 'nothing in nine values, whatever they are', values: [1, 1, 1, 1, 1, 9, 9, 9, 9], places: [] },
    { what: 'the smallest change that can be told', values: [3, 1, 5, 2, 4, 18, 20, 16, 19, 17], places: [5] },
    { what: 'no single wild run', values: [5, 6, 5, 7, 6, 5, 900, 6, 5, 7, 6, 5, 6, 7], places: [] },
    {
      what: 'a regression that was repaired',
      values: [1, 1.3, 1].flatMap((step, part) =>
        series(20, 1, { correlation: 0, deviation: 0.1 }, part).map((value) => value * step),
      ),
      places: [20, 40],
    },
    {
      what: 'the very run that repaired it, though it was the slowest of the good ones',
      values: [4, 1, 3, 2, 5, 0, 1, 2, 19, 16, 18, 17, 15, 17, 16, 18, 6, 1, 3, 0, 4, 2, 5, 1],
      places: [8, 16],
    },
  ])('finds $what', ({ values, places }) => {
    expect(changePoints(values).map(({ at }) => at)).toEqual(places);
  });
});

/** Seeded, so the same every time; a share of 100 series has a standard error of at most 5 %. docs/method.md has more of them. */
describe('by simulation', { timeout: 30_000 }, () => {
  it.each([
    { length: 10, correlation: 0, most: 0.02 },
    { length: 20, correlation: 0, most: 0.03 },
    { length: 40, correlation: 0, most: 0.03 },
    { length: 40, correlation: 0.3, most: 0.1 },
    { length: 40, correlation: 0.6, most: 0.12 },
  ])(
    'raises false alarms in at most $most of $length runs, correlation $correlation',
    ({ length, correlation, most }) => {
      expect(found(length, 1, { correlation, deviation: 0.1 }).any).toBeLessThanOrEqual(most);
    },
  );

  it.each([
    { length: 20, correlation: 0, deviation: 0.1, least: 0.75 },
    { length: 40, correlation: 0, deviation: 0.1, least: 0.95 },
    { length: 40, correlation: 0.3, deviation: 0.1, least: 0.75 },
  ])('places a step of 1.3 in $length runs of deviation $deviation, correlation $correlation', ({ least, ...rest }) => {
    expect(found(rest.length, 1.3, rest).placed).toBeGreaterThanOrEqual(least);
  });
});
