import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { highestLatencyUs, LatencyHistogram } from '../../src/load/histogram.ts';

/** The definition: the smallest sample that at least so many per cent of the samples do not exceed. */
function reference(samples: readonly number[], percentile: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percentile / 100) * sorted.length) - 1)]!;
}

const latencies = fc.array(fc.oneof(fc.nat(2000), fc.nat(1_000_000), fc.nat(highestLatencyUs)), {
  minLength: 1,
  maxLength: 300,
});

function filled(samples: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const sample of samples) histogram.record(sample);
  return histogram;
}

describe('LatencyHistogram', () => {
  it('agrees with the definition of a percentile to 0.1 %', () => {
    fc.assert(
      fc.property(latencies, (samples) => {
        using histogram = filled(samples);
        const figures = histogram.percentiles();
        const pairs = [
          [figures.p50Us, 50],
          [figures.p90Us, 90],
          [figures.p95Us, 95],
          [figures.p99Us, 99],
          [figures.p999Us, 99.9],
        ] as const;
        for (const [value, percentile] of pairs) {
          const expected = reference(samples, percentile);
          expect(Math.abs(value - expected)).toBeLessThanOrEqual(expected / 1000);
        }
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it('keeps count, minimum, mean and maximum exactly, in order with the percentiles', () => {
    fc.assert(
      fc.property(latencies, (samples) => {
        using histogram = filled(samples);
        const figures = histogram.percentiles();
        expect(figures.count).toBe(samples.length);
        expect(figures.minUs).toBe(Math.min(...samples));
        expect(figures.maxUs).toBe(Math.max(...samples));
        expect(figures.meanUs).toBeCloseTo(samples.reduce((sum, sample) => sum + sample, 0) / samples.length, 3);
        const ordered = [
          figures.minUs,
          figures.p50Us,
          figures.p90Us,
          figures.p95Us,
          figures.p99Us,
          figures.p999Us,
          figures.maxUs,
        ];
        expect(ordered).toEqual(ordered.toSorted((a, b) => a - b));
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  it('merges by addition: the parts give the same figures as the whole', () => {
    fc.assert(
      fc.property(latencies, latencies, (first, second) => {
        using merged = filled(first);
        using other = filled(second);
        using whole = filled([...first, ...second]);
        merged.add(other);
        expect({ ...merged.percentiles(), meanUs: 0 }).toEqual({ ...whole.percentiles(), meanUs: 0 });
      }),
      { numRuns: 50, seed: 3 },
    );
  });

  it('survives encoding', () => {
    fc.assert(
      fc.property(latencies, (samples) => {
        using histogram = filled(samples);
        using decoded = LatencyHistogram.decode(histogram.encode());
        expect(decoded.count).toBe(samples.length);
        const { p50Us, p95Us, maxUs } = histogram.percentiles();
        const again = decoded.percentiles();
        expect(Math.abs(again.p50Us - p50Us)).toBeLessThanOrEqual(p50Us / 1000);
        expect(Math.abs(again.p95Us - p95Us)).toBeLessThanOrEqual(p95Us / 1000);
        expect(Math.abs(again.maxUs - maxUs)).toBeLessThanOrEqual(maxUs / 1000);
      }),
      { numRuns: 30, seed: 4 },
    );
  });

  it('clamps what lies outside and rounds fractions', () => {
    using histogram = filled([-5, 1e15, 2.6]);
    expect(histogram.percentiles()).toMatchObject({ count: 3, minUs: 0, p50Us: 3, maxUs: highestLatencyUs });
  });

  it('has only zeros when empty, also after a reset', () => {
    using histogram = filled([5, 6]);
    histogram.reset();
    expect(new Set(Object.values(histogram.percentiles()))).toEqual(new Set([0]));
  });
});
