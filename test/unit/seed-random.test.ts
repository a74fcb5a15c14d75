import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { below, bits, laneOf, unit } from '../../src/seed/random.ts';
import { chiSquareLimit, chiSquareOf, kolmogorovSmirnov, kolmogorovSmirnovLimit } from './seed-statistics.ts';

const lanes = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => laneOf(1, 'events', name));
const rows = 200_000;

test('every byte of the bits is uniform, in every lane', () => {
  for (const lane of lanes) {
    for (const shift of [0, 8, 16, 24]) {
      const counts = new Float64Array(256);
      for (let row = 0; row < rows; row++) counts[(bits(lane, row) >>> shift) & 0xff]!++;
      expect(chiSquareOf(counts)).toBeLessThan(chiSquareLimit(255));
    }
  }
});

test('a lane tells nothing about the next row', () => {
  for (const lane of lanes) {
    const counts = new Float64Array(64);
    for (let row = 0; row < rows; row++) counts[((bits(lane, row) >>> 29) << 3) | (bits(lane, row + 1) >>> 29)]!++;
    expect(chiSquareOf(counts)).toBeLessThan(chiSquareLimit(63));
  }
});

test('a lane tells nothing about another lane, also of a neighbouring seed', () => {
  const neighbours = [0, 1, 2, 3].map((seed) => laneOf(seed, 'events', 'a'));
  const all = [...lanes, ...neighbours];
  for (const [index, lane] of all.entries()) {
    const other = all[(index + 1) % all.length]!;
    const counts = new Float64Array(64);
    for (let row = 0; row < rows; row++) counts[((bits(lane, row) >>> 29) << 3) | (bits(other, row) >>> 29)]!++;
    expect(chiSquareOf(counts)).toBeLessThan(chiSquareLimit(63));
  }
});

test('bits of a lane never repeat', () => {
  const seen = new Set<number>();
  for (let row = 0; row < rows; row++) seen.add(bits(lanes[0]!, row));
  expect(seen.size).toBe(rows);
});

test('units are uniform in the open interval (Kolmogorov-Smirnov)', () => {
  for (const lane of lanes) {
    const sample = Float64Array.from({ length: 20_000 }, (_, row) => unit(lane, row));
    expect(kolmogorovSmirnov(sample, (x) => x)).toBeLessThan(kolmogorovSmirnovLimit(sample.length));
    expect(sample.every((value) => value > 0 && value < 1)).toBe(true);
  }
});

test('below stays below', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 2 ** 31 }), fc.string(), (row, count, name) => {
      const value = below(laneOf(name), row, count);
      return Number.isInteger(value) && value >= 0 && value < count;
    }),
  );
});
