import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { describe, expect, it, test } from 'vitest';
import { seededGenerator } from '../../src/load/random.ts';
import { laneOf, unit } from '../../src/seed/random.ts';
import { zipfByRejection, zipfSampler } from '../../src/seed/zipf.ts';
import { chiSquareLimit, chiSquareOf } from './seed-statistics.ts';

// 65,536 ranks use a table, more use rejection: both must follow the law, whose head is compared rank by rank.
test.each([
  [1_000, 1.1],
  [100_000, 0.8],
  [100_000, 1],
  [5_000_000, 1.2],
])('ranks of %i by exponent %f follow the Zipf law', (count, exponent) => {
  const sample = zipfSampler(count, exponent);
  const head = 50;
  const lanes = Array.from({ length: 40 }, (_, attempt) => laneOf('zipf', attempt));
  const counts = new Float64Array(head + 1);
  for (let row = 0; row < 100_000; row++) {
    const rank = sample((attempt) => unit(lanes[attempt]!, row));
    expect(rank >= 0 && rank < count).toBe(true);
    counts[Math.min(rank, head)]!++;
  }
  const weights = new Float64Array(head + 1);
  for (let rank = 0; rank < count; rank++) weights[Math.min(rank, head)]! += (rank + 1) ** -exponent;
  expect(chiSquareOf(counts, weights)).toBeLessThan(chiSquareLimit(head));
});

/** A stream of uniforms, as the load has it. */
function stream(...words: number[]): () => number {
  const random = seededGenerator(...words);
  return () => uniformFloat64(random);
}

describe('zipfByRejection', () => {
  it.each([
    [2, 0.5],
    [10, 0],
    [40, 1],
    [40, 1.1],
    [40, 0.999999999],
    [12, 2.5],
  ])('over %i ranks with exponent %d follows the law to its last rank', (count, exponent) => {
    const uniform = stream(11, count);
    const sample = zipfByRejection(count, exponent);
    const counts = new Float64Array(count);
    for (let turn = 0; turn < 50_000; turn++) counts[sample(uniform)]!++;
    const weights = counts.map((_, rank) => (rank + 1) ** -exponent);
    expect(chiSquareOf(counts, weights)).toBeLessThan(chiSquareLimit(count - 1));
  });

  it('has one answer where there is one rank', () => {
    expect(zipfByRejection(1, 1)(stream(1))).toBe(0);
  });

  it('serves a billion ranks as fast as ten', () => {
    const uniform = stream(1);
    const sample = zipfByRejection(1e9, 1.05);
    const ranks = Array.from({ length: 1000 }, () => sample(uniform));
    expect(Math.max(...ranks)).toBeLessThan(1e9);
    expect(Math.max(...ranks)).toBeGreaterThan(1e6);
    expect(ranks.filter((rank) => rank === 0).length).toBeGreaterThan(10);
  });
});

test.each([zipfByRejection, zipfSampler])('%o refuses laws that do not exist', (sampler) => {
  expect(() => sampler(0, 1)).toThrow(RangeError);
  expect(() => sampler(10, -1)).toThrow(RangeError);
  expect(() => sampler(Number.NaN, 1)).toThrow(RangeError);
});
