import { describe, expect, test } from 'vitest';
import {
  childNumber,
  column,
  combine,
  compute,
  createCatalog,
  defineSeed,
  groups,
  logNormalShares,
  lookup,
  nearby,
  oneOf,
  parent,
  parentRow,
  recentFirst,
  reference,
  rowOf,
  rowUnder,
  serial,
  siblings,
  text,
  uniform,
  uuid,
  weightedRows,
  zipfian,
  type RowPick,
} from 'pgrehearse';
import { normalQuantile } from '../../src/seed/sampling.ts';
import {
  chiSquareLimit,
  chiSquareOf,
  kolmogorovSmirnov,
  kolmogorovSmirnovLimit,
  normalDistribution,
} from './seed-statistics.ts';
import { all, now, rows, values } from './seed-values.ts';

const shop = defineSeed({
  asOf: now,
  tables: {
    users: { rows: 200, columns: { id: uuid(), country: oneOf(['de', 'fr']) } },
    shops: {
      childrenOf: {
        table: 'users',
        counts: [
          [0, 20],
          [1, 50],
          [2, 30],
        ],
      },
      columns: { id: uuid(), user_id: parent('id') },
    },
    offers: {
      childrenOf: { table: 'shops', counts: [[3, 1]] },
      columns: { id: uuid(), shop_id: parent('id'), number: childNumber(), of: siblings() },
    },
    orders: {
      rows: 4_000,
      latent: { buyer: rowOf('users', zipfian(1)), offer: rowUnder('offers', 'users', 'buyer') },
      columns: {
        id: serial(),
        user_id: lookup('users', 'id', 'buyer'),
        offer_id: lookup('offers', 'id', 'offer'),
        country: lookup('users', 'country', 'buyer'),
        late: rowOf('users', recentFirst(0.1)),
        near: rowOf('users', nearby(0.01)),
        big: rowOf('users', logNormalShares(1)),
        weighed: rowOf(
          'users',
          weightedRows((row) => 1 + (row % 7)),
        ),
        any: reference('users', 'id'),
        evenly: rowOf('users'),
      },
    },
  },
});

function numbers(name: string): number[] {
  return all(shop, 'orders', name) as number[];
}

describe('references', () => {
  test('children stand in the order of their parents, with the declared counts', () => {
    const catalog = createCatalog(shop, { seed: 1, scale: 1 });
    const users = all(shop, 'users', 'id');
    const places = all(shop, 'shops', 'user_id').map((id) => users.indexOf(id));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(catalog.rows('offers')).toBe(3 * catalog.rows('shops'));
    expect(all(shop, 'offers', 'number').slice(0, 4)).toEqual([1, 2, 3, 1]);
    expect(new Set(all(shop, 'offers', 'of'))).toEqual(new Set([3]));
  });

  test('a row under an ancestor descends from it; none gives null', () => {
    const users = all(shop, 'users', 'id');
    const ownerOfShop = new Map(all(shop, 'shops', 'id').map((id, row) => [id, all(shop, 'shops', 'user_id')[row]]));
    const shopOfOffer = new Map(all(shop, 'offers', 'id').map((id, row) => [id, all(shop, 'offers', 'shop_id')[row]]));
    const withShops = new Set(ownerOfShop.values());
    const buyers = all(shop, 'orders', 'user_id');
    for (const [row, offer] of all(shop, 'orders', 'offer_id').entries()) {
      expect(users).toContain(buyers[row]);
      if (offer === null) expect(withShops.has(buyers[row])).toBe(false);
      else expect(ownerOfShop.get(shopOfOffer.get(offer))).toBe(buyers[row]);
    }
  });

  test('rows are picked evenly, by Zipf, by shares, late and near', () => {
    const perUser = (name: string): Float64Array => {
      const counts = new Float64Array(200);
      for (const row of numbers(name)) counts[row]!++;
      return counts;
    };
    expect(chiSquareOf(perUser('evenly'))).toBeLessThan(chiSquareLimit(199));
    const zipfWeights = Float64Array.from({ length: 200 }, (_, row) => 1 / (row + 1));
    expect(chiSquareOf(perUser('buyer'), zipfWeights)).toBeLessThan(chiSquareLimit(199));
    const shares = Float64Array.from({ length: 200 }, (_, row) => Math.exp(-normalQuantile((row + 0.5) / 200)));
    expect(chiSquareOf(perUser('big'), shares)).toBeLessThan(chiSquareLimit(199));
    const byWeight = Float64Array.from({ length: 200 }, (_, row) => 1 + (row % 7));
    expect(chiSquareOf(perUser('weighed'), byWeight)).toBeLessThan(chiSquareLimit(199));
    const late = Float64Array.from({ length: 200 }, (_, age) => Math.exp(-age / 20));
    expect(chiSquareOf(perUser('late').toReversed().slice(0, 80), late.slice(0, 80))).toBeLessThan(chiSquareLimit(79));
    const near = numbers('near').map((user, row) => Math.abs(user - row / 20));
    expect(Math.max(...near)).toBeLessThan(10);
  });
});

describe('distributions over a large table', () => {
  const large = 100_000;

  function picked(pick: RowPick, table = 'large'): Float64Array {
    const seed = defineSeed({
      asOf: now,
      tables: {
        large: { rows: large, columns: { id: serial() } },
        owners: { rows: 1, columns: { id: serial() } },
        owned: { childrenOf: { table: 'owners', counts: [[large, 1]] }, columns: { id: serial() } },
        orders: {
          rows,
          columns: { row: table === 'large' ? rowOf(table, pick) : rowUnder(table, 'owners', rowOf('owners')) },
        },
      },
    });
    return Float64Array.from(all(seed, 'orders', 'row') as number[]);
  }

  test('nearby spreads normally around the same place (Kolmogorov-Smirnov)', () => {
    const distances = picked(nearby(0.01)).map((row, order) => (row + 0.5) / large - (order + 0.5) / rows);
    // At both ends of the table the choice is clamped.
    const inner = distances.subarray(rows * 0.05, rows * 0.95);
    expect(kolmogorovSmirnov(inner, (x) => normalDistribution(x / 0.01))).toBeLessThan(
      kolmogorovSmirnovLimit(inner.length),
    );
  });

  test('recentFirst ages exponentially (Kolmogorov-Smirnov)', () => {
    const ages = picked(recentFirst(0.2)).map((row) => 1 - (row + 0.5) / large);
    const reach = 1 - Math.exp(-1 / 0.2);
    expect(kolmogorovSmirnov(ages, (age) => (1 - Math.exp(-age / 0.2)) / reach)).toBeLessThan(
      kolmogorovSmirnovLimit(rows),
    );
  });

  test('rowUnder takes every descendant equally often (Kolmogorov-Smirnov)', () => {
    const places = picked(nearby(), 'owned').map((row) => (row + 0.5) / large);
    expect(kolmogorovSmirnov(places, (x) => x)).toBeLessThan(kolmogorovSmirnovLimit(rows));
  });
});

describe('derived columns', () => {
  test('combine and compute see the columns of their row and parent', () => {
    const seed = defineSeed({
      asOf: now,
      tables: {
        a: { rows: 50, columns: { price: uniform(1, 9) } },
        b: {
          childrenOf: { table: 'a', counts: [[2, 1]] },
          columns: {
            quantity: uniform(1, 5),
            total: combine(['quantity', parent('price')], (quantity, price) => quantity * price),
            free: compute(({ row, value, parent, random, asOf }) => [
              row,
              value('quantity'),
              parent('price'),
              random() < 1,
              asOf,
            ]),
            of: parentRow(),
            copy: column('quantity'),
          },
        },
      },
    });
    const prices = all(seed, 'a', 'price') as number[];
    const quantities = all(seed, 'b', 'quantity') as number[];
    const expected = quantities.map((quantity, row) => quantity * prices[row >> 1]!);
    expect(all(seed, 'b', 'total')).toEqual(expected);
    expect(all(seed, 'b', 'copy')).toEqual(quantities);
    expect(all(seed, 'b', 'of')).toEqual(quantities.map((_, row) => row >> 1));
    const free = quantities.map((quantity, row) => [row, quantity, prices[row >> 1], true, new Date(now)]);
    expect(all(seed, 'b', 'free')).toEqual(free);
  });

  test('a function that asks for another function finds its own row again', () => {
    const made = values(
      compute(({ row, value }) => [row, value('inner'), row]),
      {
        inner: compute(({ row, value }) => `${row}/${String(value('innermost'))}`),
        innermost: text`x${serial({ from: 0 })}`,
      },
    );
    expect(made[7]).toEqual([7, '7/x7', 7]);
  });

  test('groups are consecutive', () => {
    const transactions = groups([
      [1, 1],
      [3, 1],
    ]);
    const numbers = values(transactions.number());
    const places = values(transactions.place());
    expect(
      numbers.every((group, row) =>
        places[row] === 0 ? row === 0 || group === numbers[row - 1]! + 1 : group === numbers[row - 1],
      ),
    ).toBe(true);
    expect(Math.max(...places)).toBe(2);
  });
});
