import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planComparison, plannedPairs, presets } from '../../src/comparison/plan.ts';

const order = (seed: number) => plannedPairs(planComparison({ preset: 'standard' }, seed, 0));

describe('planComparison', () => {
  it('looks at K, 2K and 4K pairs, a third of them of equal clones', () => {
    const { looks, blockMs, washoutMs } = planComparison({ preset: 'standard' }, 1, 5000);
    expect(looks).toEqual([
      { change: 60, same: 30 },
      { change: 120, same: 60 },
      { change: 240, same: 120 },
    ]);
    expect([blockMs, washoutMs]).toEqual([3000, 500]);
  });

  it('lets the user say otherwise', () => {
    const plan = planComparison({ preset: 'standard', pairs: 20, looks: 1, blockMs: 1200 }, 1, 0);
    expect(plan).toMatchObject({ looks: [{ change: 20, same: 10 }], blockMs: 1200, washoutMs: 200 });
  });

  it('takes the quick preset four minutes and a half', () => {
    const { looks, blockMs } = planComparison({ preset: 'quick' }, 1, 5000);
    expect(looks).toEqual([{ change: presets.quick.pairs, same: 15 }]);
    expect(((looks[0]!.change + looks[0]!.same) * 2 * blockMs) / 60_000).toBe(4.5);
  });
});

describe('plannedPairs', () => {
  const plans = fc.record({
    pairs: fc.integer({ min: 12, max: 60 }),
    looks: fc.integer({ min: 1, max: 3 }),
    seed: fc.nat(),
  });

  it('has all pairs of the last look, numbered one after the other, with a clone of the first stage in each', () => {
    fc.assert(
      fc.property(plans, ({ pairs, looks, seed }) => {
        const plan = planComparison({ preset: 'quick', pairs, looks }, seed, 0);
        const planned = plannedPairs(plan);
        const last = plan.looks.at(-1)!;
        expect(planned.filter(({ kind }) => kind === 'change')).toHaveLength(last.change);
        expect(planned.filter(({ kind }) => kind === 'same')).toHaveLength(last.same);
        expect(planned.map(({ number }) => number)).toEqual(planned.map((_, at) => at + 2));
        for (const { kind, sides } of planned) {
          const other = kind === 'same' ? 'twin' : 'after';
          const first = sides.find((side) => side !== other);
          expect(sides).toContain(other);
          expect(kind === 'same' ? ['before'] : ['before', 'twin']).toContain(first);
        }
      }),
    );
  });

  it('has as many pairs of each kind before every look as planned', () => {
    fc.assert(
      fc.property(plans, ({ pairs, looks, seed }) => {
        const plan = planComparison({ preset: 'quick', pairs, looks }, seed, 0);
        for (const { change, same } of plan.looks) {
          const upToLook = plannedPairs(plan).slice(0, change + same);
          expect(upToLook.filter(({ kind }) => kind === 'same')).toHaveLength(same);
        }
      }),
    );
  });

  it('drives the clones of the first stage and the last equally often, at any time', () => {
    fc.assert(
      fc.property(plans, ({ pairs, looks, seed }) => {
        const driven = { before: 0, twin: 0, after: 0 };
        for (const { sides } of plannedPairs(planComparison({ preset: 'quick', pairs, looks }, seed, 0))) {
          for (const side of sides) driven[side]++;
          expect(Math.abs(driven.before - driven.twin)).toBeLessThanOrEqual(1);
          expect(Math.abs(driven.before - driven.after)).toBeLessThanOrEqual(3);
        }
      }),
    );
  });

  it('tosses a coin for the order, by the seed alone', () => {
    const afterLast = order(1).filter(({ kind }) => kind === 'change');
    const beforeFirst = afterLast.filter(({ sides }) => sides[1] === 'after').length / afterLast.length;
    expect(beforeFirst).toBeGreaterThan(0.4);
    expect(beforeFirst).toBeLessThan(0.6);
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
  });
});
