import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Grouping } from '../../src/seed/grouping.ts';
import { laneOf, unit } from '../../src/seed/random.ts';
import { aliasSampler, normalQuantile, tabulated } from '../../src/seed/sampling.ts';
import { chiSquareLimit, chiSquareOf } from './seed-statistics.ts';

const lane = laneOf('sampling');

test('the alias method draws in proportion to the weights', () => {
  const weights = Float64Array.from([62, 0, 10, 0.5, 7, 20.5]);
  const sample = aliasSampler(weights);
  const counts = new Float64Array(weights.length);
  for (let row = 0; row < 100_000; row++) counts[sample(unit(lane, row))]!++;
  expect(counts[1]).toBe(0);
  const drawn = [0, 2, 3, 4, 5];
  const ofDrawn = (values: Float64Array): Float64Array => Float64Array.from(drawn, (index) => values[index]!);
  expect(chiSquareOf(ofDrawn(counts), ofDrawn(weights))).toBeLessThan(chiSquareLimit(4));
});

test.each([
  [0.5, 0],
  [0.9, 1.2815516],
  [0.975, 1.959964],
  [0.025, -1.959964],
  [0.9999, 3.7190165],
  [1e-9, -5.997807],
])('the normal quantile of %d is %d', (probability, expected) => {
  expect(normalQuantile(probability)).toBeCloseTo(expected, 5);
});

test('a tabulated quantile differs by less than 2e-5 from the exact one', () => {
  const table = tabulated(normalQuantile);
  for (let row = 0; row < 20_000; row++) {
    const probability = unit(lane, row);
    expect(Math.abs(table(probability) - normalQuantile(probability))).toBeLessThan(2e-5);
  }
});

const counts = fc
  .array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 100 })), { minLength: 1, maxLength: 5 })
  .filter((list) => list.some(([size]) => size > 0));

test('rows and groups find each other without a look-up', () => {
  fc.assert(
    fc.property(counts, fc.nat(), (sizes, start) => {
      const grouping = new Grouping(sizes, lane);
      for (let row = start % 1_000_000; row < (start % 1_000_000) + 50; row++) {
        const group = grouping.groupOf(row);
        const first = grouping.firstOf(group);
        if (row < first || row >= grouping.firstOf(group + 1)) return false;
        if (grouping.placeOf(row) !== row - first) return false;
        if (grouping.sizeOf(group) !== grouping.firstOf(group + 1) - first) return false;
      }
      return true;
    }),
  );
});

test('group sizes have their shares exactly in every block', () => {
  const grouping = new Grouping(
    [
      [1, 84],
      [2, 12],
      [3, 4],
    ],
    lane,
  );
  const sizes = Array.from({ length: 4096 }, (_, group) => grouping.sizeOf(group + 4096 * 7));
  expect([1, 2, 3].map((size) => sizes.filter((one) => one === size).length)).toEqual([3441, 491, 164]);
});
