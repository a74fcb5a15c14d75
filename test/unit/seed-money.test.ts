import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  balanced,
  createCatalog,
  decimal,
  defineSeed,
  logNormal,
  normal,
  nullable,
  parent,
  parentRow,
  portion,
  uniform,
  type Column,
} from 'pgrehearse';
import { chiSquareLimit, chiSquareOf, kolmogorovSmirnov, kolmogorovSmirnovLimit } from './seed-statistics.ts';

const bookings = 500;

interface Booking {
  total: number | null;
  amounts: number[];
}

/** Rows of the child table by their parents. */
function byParent(amount: Column, counts: [number, number][], total: Column = decimal(1, 900, 2), seed = 1): Booking[] {
  const spec = defineSeed({
    asOf: '2026-11-01T00:00:00Z',
    tables: {
      bookings: { rows: bookings, columns: { total } },
      entries: { childrenOf: { table: 'bookings', counts }, columns: { booking: parentRow(), amount } },
    },
  });
  const catalog = createCatalog(spec, { seed, scale: 1 });
  const grouped = Array.from({ length: bookings }, (_, row): Booking => ({
    total: catalog.cell('bookings', 'total', row) as number | null,
    amounts: [],
  }));
  // From the last row to the first: an amount must not depend on what was asked before.
  for (let row = catalog.rows('entries') - 1; row >= 0; row--) {
    const booking = catalog.cell('entries', 'booking', row) as number;
    grouped[booking]!.amounts.unshift(catalog.cell('entries', 'amount', row) as number);
  }
  return grouped;
}

/** Exact sum in units of the last decimal. */
function units(amounts: readonly number[], decimals: number): number {
  return amounts.reduce((sum, amount) => sum + Math.round(amount * 10 ** decimals), 0);
}

const sizes = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 });

describe('portion', () => {
  test('adds up to the total of the parent, whatever the numbers of rows and decimals', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 99 }), (counts, decimals, seed) => {
        const total = normal({ mean: 0, deviation: 1e6, decimals });
        const shares = counts.map((size): [number, number] => [size, 1]);
        for (const { total: sum, amounts } of byParent(portion(parent('total'), { decimals }), shares, total, seed)) {
          expect(units(amounts, decimals)).toBe(units([sum!], decimals));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('is between nothing and twice the mean, and never the other way around', () => {
    const total = uniform(1_000, 2_000);
    for (const { total: sum, amounts } of byParent(portion(parent('total')), [[5, 1]], total)) {
      expect(Math.min(...amounts)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...amounts)).toBeLessThanOrEqual((2 * sum!) / 5 + 0.01);
    }
  });

  test('cuts evenly around the middle (Kolmogorov-Smirnov)', () => {
    const halves = byParent(portion(parent('total'), { decimals: 6 }), [[2, 1]], uniform(1_000, 2_000));
    const firsts = Float64Array.from(halves, ({ total, amounts }) => amounts[0]! / total!);
    const distance = kolmogorovSmirnov(firsts, (x) => Math.min(Math.max((x - 0.25) * 2, 0), 1));
    expect(distance).toBeLessThan(kolmogorovSmirnovLimit(bookings));
  });

  test('is null where the total is', () => {
    const made = byParent(portion(parent('total')), [[3, 1]], nullable(0.5, decimal(1, 9, 2)));
    expect(made.some(({ total }) => total === null)).toBe(true);
    expect(made.every(({ total, amounts }) => amounts.every((amount) => (amount === null) === (total === null)))).toBe(
      true,
    );
  });
});

describe('balanced', () => {
  test('adds up to zero, whatever the numbers of rows and decimals', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 99 }), (counts, decimals, seed) => {
        const amount = balanced(logNormal({ median: 300, sigma: 1, decimals: 5 }), { decimals });
        const shares = counts.map((size): [number, number] => [size, 1]);
        for (const { amounts } of byParent(amount, shares, undefined, seed)) expect(units(amounts, decimals)).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  test('all but the last follow the distribution they are drawn from (chi-square)', () => {
    const made = byParent(balanced(uniform(1, 10)), [[4, 1]]);
    const drawn = made.flatMap(({ amounts }) => amounts.slice(0, -1));
    const counts = Float64Array.from({ length: 10 }, (_, index) => drawn.filter((one) => one === index + 1).length);
    expect(chiSquareOf(counts)).toBeLessThan(chiSquareLimit(9));
  });

  test('a single row gets 0', () => {
    expect(byParent(balanced(uniform(1, 10)), [[1, 1]]).every(({ amounts }) => Object.is(amounts[0], 0))).toBe(true);
  });
});

test('both need a parent', () => {
  for (const amount of [portion('total'), balanced('total')]) {
    const spec = defineSeed({
      asOf: '2026-11-01T00:00:00Z',
      tables: { t: { rows: 1, columns: { total: uniform(1, 2), amount } } },
    });
    expect(() => createCatalog(spec, { seed: 1, scale: 1 })).toThrow('table t has no parent: give it childrenOf');
  }
});
