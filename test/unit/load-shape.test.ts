import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildSchedule, stripe, type ScheduleOptions } from '../../src/load/schedule.ts';
import { inverseOfShape } from '../../src/load/shape.ts';
import type { RatePoint } from '../../src/scenario.ts';
import { chiSquareLimit, chiSquareOf } from './seed-statistics.ts';

const point = (at: number, rate: number): RatePoint => ({ at, rate });

const options = (changes: Partial<ScheduleOptions> = {}): ScheduleOptions => ({
  seed: 7,
  blockNumber: 0,
  ratePerSecond: 1000,
  arrivals: 'poisson',
  durationMs: 22_000,
  transactions: [
    { name: 'a', weight: 2 },
    { name: 'b', weight: 1 },
  ],
  ...changes,
});

const shaped = (points: readonly RatePoint[], changes: Partial<ScheduleOptions> = {}) =>
  buildSchedule(options({ shape: { points, warmupMs: 2000 }, ...changes }));

/** Shapes with some rate above zero, steps and stretches without arrivals among them. */
const shapes = fc
  .array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), rate: fc.constantFrom(0, 0.01, 1, 1, 2.5, 40) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((points): RatePoint[] => points.toSorted((a, b) => a.at - b.at))
  .map((points) => points.concat(point(1, 1)));

/** The rate at an instant, read off the points without any cleverness. */
function rateAt(shape: readonly RatePoint[], at: number): number {
  const after = shape.findIndex((end) => end.at > at);
  if (after === -1) return shape.at(-1)!.rate;
  const [from, to] = [shape[after - 1], shape[after]!];
  return from === undefined ? to.rate : from.rate + ((to.rate - from.rate) * (at - from.at)) / (to.at - from.at);
}

describe('inverseOfShape', () => {
  it.each<[shape: string, points: RatePoint[], share: number, at: number]>([
    ['an even rate', [point(0.3, 7)], 0.25, 0.25],
    ['a ramp from nothing: t squared', [point(0, 0), point(1, 1)], 0.25, 0.5],
    ['a ramp to nothing', [point(0, 1), point(1, 0)], 0.75, 0.5],
    ['a step to thrice the rate', [point(0, 1), point(0.5, 1), point(0.5, 3)], 0.25, 0.5],
    ['the same step, later', [point(0, 1), point(0.5, 1), point(0.5, 3)], 0.625, 0.75],
    ['a start without arrivals', [point(0, 0), point(0.4, 0), point(0.4, 2)], 0, 0.4],
    ['a pause', [point(0, 1), point(0.2, 1), point(0.2, 0), point(0.8, 0), point(0.8, 1)], 0.6, 0.84],
    ['an end without arrivals', [point(0, 1), point(0.5, 1), point(0.5, 0)], 0.99, 0.495],
  ])('solves %s', (_, points, share, at) => {
    expect(inverseOfShape(points)(share)).toBeCloseTo(at, 12);
  });

  it('inverts the area below the points, whatever they are', () => {
    const steps = 20_000;
    fc.assert(
      fc.property(shapes, fc.double({ min: 0, max: 0.999, noNaN: true }), (points, share) => {
        const until = inverseOfShape(points)(share);
        // Midpoint rule; wrong by less than a step at each of the points.
        const area = Array.from({ length: steps }, (_, step) => rateAt(points, (step + 0.5) / steps) / steps);
        const total = area.reduce((sum, part) => sum + part, 0);
        const due = area.slice(0, Math.round(until * steps)).reduce((sum, part) => sum + part, 0);
        expect(Math.abs(due - share * total)).toBeLessThan((40 * (points.length + 1)) / steps);
      }),
      { seed: 1, numRuns: 60 },
    );
  });
});

describe('a schedule with a shape', () => {
  it('has the arrivals of the even one, each with its transaction, in their order, and the same warm-up', () => {
    const even = buildSchedule(options());
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 5 }), (points, workers) => {
        const { dueUs, transaction } = shaped(points);
        expect(transaction).toEqual(even.transaction);
        const warmup = even.dueUs.filter((due) => due < 2e6);
        expect(dueUs.subarray(0, warmup.length)).toEqual(warmup);
        expect(dueUs.every((due, arrival) => due <= 22e6 && due >= (dueUs[arrival - 1] ?? 0))).toBe(true);
        // Every worker finds its own arrivals at the same places, in the order of their instants.
        const own = stripe(dueUs.length, workers - 1, workers);
        expect(own.every((arrival, turn) => turn === 0 || dueUs[arrival]! >= dueUs[own[turn - 1]!]!)).toBe(true);
      }),
      { seed: 1, numRuns: 40 },
    );
  });

  it('is even where the shape is', () => {
    const { dueUs } = shaped([point(0, 5)]);
    const even = buildSchedule(options()).dueUs;
    expect(dueUs.every((due, arrival) => Math.abs(due - even[arrival]!) < 1e-3)).toBe(true);
  });

  it('has as many Poisson arrivals in each stretch as the shape says', () => {
    const points = [point(0, 1), point(0.5, 3), point(0.75, 3), point(0.75, 0.5)];
    const { dueUs } = shaped(points);
    const counts = new Float64Array(20);
    for (const due of dueUs) if (due >= 2e6) counts[Math.floor((due - 2e6) / 1e6)]!++;
    // All stretches lie between two points, so that the rate in the middle of each is its mean.
    const shares = counts.map((_, second) => rateAt(points, (second + 0.5) / 20));
    const total = shares.reduce((sum, share) => sum + share, 0);
    expect(
      chiSquareOf(
        counts,
        shares.map((share) => share / total),
      ),
    ).toBeLessThan(chiSquareLimit(19));
  });

  it('keeps constant arrivals constant between the steps', () => {
    const { dueUs } = shaped([point(0, 1), point(0.5, 1), point(0.5, 3)], {
      arrivals: 'constant',
      ratePerSecond: 2,
      durationMs: 6000,
    });
    const expected = [0, 0.5, 1, 1.5, 2, 3, 4, 4 + 1 / 3, 4 + 2 / 3, 5, 5 + 1 / 3, 5 + 2 / 3];
    for (const [arrival, seconds] of expected.entries()) expect(dueUs[arrival]! / 1e6).toBeCloseTo(seconds, 9);
    expect(dueUs.length).toBe(expected.length);
  });
});
