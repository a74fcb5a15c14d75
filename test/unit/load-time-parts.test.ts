/** The parts of the response times near p95. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSamples, Fate, never } from '../../src/load/samples.ts';
import { timePartsNearP95 } from '../../src/load/time-parts.ts';

/** Arrival `n` takes `n` ms: a tenth of it in the generator, two in the pool, six until the first byte. */
function hundred() {
  const count = 100;
  const samples = createSamples({
    dueUs: new Float64Array(count),
    transaction: new Uint16Array(count),
  });
  for (let arrival = 0; arrival < count; arrival++) {
    const tenthUs = (arrival + 1) * 100;
    samples.fate[arrival] = Fate.succeeded;
    samples.latenessUs[arrival] = tenthUs;
    samples.sentUs[arrival] = 3 * tenthUs;
    samples.firstByteUs[arrival] = 9 * tenthUs;
    samples.endUs[arrival] = 10 * tenthUs;
  }
  return { samples, counted: Uint32Array.from({ length: count }, (_, arrival) => arrival) };
}

it('are means over the arrivals from the 94th to the 96th percentile, wherever these stand', () => {
  const { samples, counted } = hundred();
  const parts = { arrivals: 2, lateUs: 9550, poolUs: 19_100, serverUs: 57_300, restUs: 9550 };
  expect(timePartsNearP95(samples, counted)).toEqual(parts);
  expect(timePartsNearP95(samples, counted.toReversed())).toEqual(parts);
});

it('leave out what failed there, and what nobody saw the answer of', () => {
  const { samples, counted } = hundred();
  samples.fate[94] = Fate.failed;
  expect(timePartsNearP95(samples, counted)).toMatchObject({ arrivals: 1, lateUs: 9600 });
  samples.firstByteUs[95] = never;
  expect(timePartsNearP95(samples, counted)).toBeUndefined();
  expect(timePartsNearP95(samples, new Uint32Array())).toBeUndefined();
});

it('add up to the response time', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5000), fc.nat(5000), fc.nat(5000), fc.nat(5000)), { minLength: 1 }), (all) => {
      const samples = createSamples({ dueUs: new Float64Array(all.length), transaction: new Uint16Array(all.length) });
      for (const [arrival, [late, pool, server, rest]] of all.entries()) {
        samples.fate[arrival] = Fate.succeeded;
        samples.latenessUs[arrival] = late;
        samples.sentUs[arrival] = late + pool;
        samples.firstByteUs[arrival] = late + pool + server;
        samples.endUs[arrival] = late + pool + server + rest;
      }
      const counted = Uint32Array.from(all, (_, arrival) => arrival);
      const ends = [...samples.endUs].toSorted((a, b) => a - b);
      const { lateUs, poolUs, serverUs, restUs } = timePartsNearP95(samples, counted)!;
      const sum = lateUs + poolUs + serverUs + restUs;
      expect(sum).toBeGreaterThanOrEqual(ends[Math.floor(0.94 * all.length)]! - 1e-6);
      expect(sum).toBeLessThanOrEqual(ends[Math.ceil(0.96 * all.length) - 1]! + 1e-6);
    }),
  );
});
