import { describe, expect, it } from 'vitest';
import { createSamples, mergeLabels } from '../../src/load/samples.ts';
import type { Labels } from '../../src/load/samples.ts';
import { stripe } from '../../src/load/schedule.ts';

const labels = (codes: string[], classes: string[]): Labels => ({
  errors: codes.map((code) => ({ code, example: code.toLowerCase() })),
  classes,
});

describe('mergeLabels', () => {
  it('numbers what the workers named anew, the same for any number of them', () => {
    const codes = ['B', '', 'A', 'B', 'C', ''];
    const merged = [1, 2, 3].map((workers) => {
      const samples = createSamples({ dueUs: new Float64Array(6), transaction: new Uint16Array(6) });
      const stripes = Array.from({ length: workers }, (_, worker) => {
        const arrivals = stripe(6, worker, workers);
        // In the order in which this worker met them.
        const met = [...new Set(Array.from(arrivals, (arrival) => codes[arrival]!))].filter((code) => code !== '');
        for (const arrival of arrivals) samples.error[arrival] = met.indexOf(codes[arrival]!) + 1;
        return { arrivals, labels: labels(met, []) };
      });
      const { errors } = mergeLabels(samples, stripes);
      return { errors, column: [...samples.error] };
    });
    expect(merged[0]).toEqual({ errors: labels(['A', 'B', 'C'], []).errors, column: [2, 0, 1, 2, 3, 0] });
    expect(merged[1]).toEqual(merged[0]);
    expect(merged[2]).toEqual(merged[0]);
  });

  it('lets labels beyond the 255th share the last', () => {
    const samples = createSamples({ dueUs: new Float64Array(400), transaction: new Uint16Array(400) });
    const stripes = [0, 1].map((worker) => {
      const arrivals = stripe(400, worker, 2);
      for (const [turn, arrival] of arrivals.entries()) samples.class[arrival] = turn + 1;
      return {
        arrivals,
        labels: labels(
          [],
          Array.from(arrivals, (arrival) => `${1000 + arrival}`),
        ),
      };
    });
    const { classes } = mergeLabels(samples, stripes);
    expect(classes.length).toBe(255);
    expect([...samples.class.subarray(0, 3)]).toEqual([1, 2, 3]);
    expect([...samples.class.subarray(253, 257)]).toEqual([254, 255, 255, 255]);
  });
});
