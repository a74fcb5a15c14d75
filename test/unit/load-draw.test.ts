import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrivalStride, createDraw } from '../../src/load/draw.ts';
import type { DrawOptions } from '../../src/load/draw.ts';
import type { Draw } from '../../src/scenario.ts';

const catalog = {
  rows: (table: string) => table.length,
  cell: (table: string, column: string, row: number) => `${table}.${column}.${row}`,
};
const draw = (changes: Partial<DrawOptions> = {}): Draw =>
  createDraw(catalog, { seed: 1, block: 2, arrival: 3, now: new Date('2026-11-01T00:00:00Z'), ...changes });

/** Everything that a draw gives, in one order. */
const values = (from: Draw): unknown[] => [
  from.float(),
  from.int(-5, 1_000_000),
  from.chance(0.5),
  from.pick(['a', 'b', 'c']),
  from.weighted([
    ['x', 1],
    ['y', 2],
  ]),
  from.zipf(1000, 1.1),
  from.uuid(),
  from.hex(20),
];

/** Chi-square statistic of counts against probabilities; cells with an expectation below 10 are pooled. */
function chiSquare(
  counts: readonly number[],
  probabilities: readonly number[],
): { statistic: number; freedom: number } {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let statistic = 0;
  let freedom = -1;
  let pooled = { count: 0, expected: 0 };
  counts.forEach((count, cell) => {
    pooled = { count: pooled.count + count, expected: pooled.expected + total * probabilities[cell]! };
    if (pooled.expected < 10) return;
    statistic += (pooled.count - pooled.expected) ** 2 / pooled.expected;
    freedom++;
    pooled = { count: 0, expected: 0 };
  });
  return { statistic, freedom };
}

/** Bound that a true chi-square exceeds about once in ten thousand (normal approximation, 3.7 sigma). */
const bound = (freedom: number): number => freedom + 3.7 * Math.sqrt(2 * freedom) + 8;

describe('createDraw', () => {
  it('draws the same for the same (seed, block, arrival), and something else for any other', () => {
    expect(values(draw())).toEqual(values(draw()));
    for (const changes of [{ seed: 2 }, { block: 3 }, { arrival: 4 }, { seed: 2 ** 40 + 1 }]) {
      expect(values(draw(changes))).not.toEqual(values(draw()));
    }
  });

  it('numbers arrivals uniquely over a run', () => {
    expect(draw({ block: 0, arrival: 5 }).index).toBe(5);
    expect(draw({ block: 3, arrival: 5 }).index).toBe(3 * arrivalStride + 5);
  });

  it('does not correlate neighbours', () => {
    const floats = Array.from({ length: 10_000 }, (_, arrival) => draw({ arrival }).float());
    let lagged = 0;
    floats.forEach((value, arrival) => (lagged += (value - 0.5) * ((floats[arrival + 1] ?? 0.5) - 0.5)));
    expect(Math.abs((lagged / floats.length) * 12)).toBeLessThan(0.04); // 4 / sqrt(10,000)
    const counts = Array.from({ length: 20 }, () => 0);
    for (const value of floats) counts[Math.floor(value * 20)]!++;
    expect(
      chiSquare(
        counts,
        Array.from({ length: 20 }, () => 1 / 20),
      ).statistic,
    ).toBeLessThan(bound(19));
  });

  it('passes the catalog on and keeps to its ranges', () => {
    expect(draw().rows('users')).toBe(5);
    expect(draw().cell('users', 'id', 7)).toBe('users.id.7');
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: -100, max: 100 }), fc.nat(50), (arrival, from, width) => {
        const one = draw({ arrival });
        const int = one.int(from, from + width);
        expect(int).toBeGreaterThanOrEqual(from);
        expect(int).toBeLessThanOrEqual(from + width);
        expect(one.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(one.hex(width)).toMatch(new RegExp(`^[0-9a-f]{${2 * width}}$`));
      }),
      { seed: 1 },
    );
  });

  it('weighs choices, and never picks one without weight', () => {
    const counts = { a: 0, b: 0, c: 0 };
    for (let arrival = 0; arrival < 20_000; arrival++) {
      counts[draw({ arrival }).weighted([['a', 1] as const, ['b', 0] as const, ['c', 3] as const])]++;
    }
    expect(counts.b).toBe(0);
    expect(chiSquare([counts.a, counts.c], [0.25, 0.75]).statistic).toBeLessThan(15);
    expect(() => draw().weighted([['a', 0]])).toThrow(RangeError);
    expect(() => draw().pick([])).toThrow(RangeError);
  });
});
