import { describe, expect, test } from 'vitest';
import {
  after,
  asOf,
  byIndex,
  chance,
  childNumber,
  column,
  combine,
  compute,
  constant,
  createCatalog,
  decimal,
  defineSeed,
  exponential,
  faked,
  groups,
  hashedId,
  hex,
  inTurn,
  json,
  list,
  logNormal,
  logNormalShares,
  lookup,
  nearby,
  normal,
  nullable,
  oneOf,
  parent,
  parentRow,
  recentFirst,
  reference,
  rowNumber,
  rowOf,
  rowUnder,
  seedDigest,
  serial,
  shuffledId,
  siblings,
  text,
  timestamp,
  uniform,
  UsageError,
  uuid,
  weighted,
  when,
  zipf,
  zipfian,
  type Column,
  type SeedSpec,
} from 'pgrehearse';
import {
  chiSquareLimit,
  chiSquareOf,
  kolmogorovSmirnov,
  kolmogorovSmirnovLimit,
  normalDistribution,
} from './seed-statistics.ts';

const rows = 5_000;
const now = '2026-11-01T00:00:00Z';

/** The values of one column of a table of 5,000 rows. */
function values<T>(cells: Column<T>, latent: Record<string, Column> = {}): T[] {
  const seed = defineSeed({ asOf: now, tables: { t: { rows, latent, columns: { cells } } } });
  return all(seed, 't', 'cells') as T[];
}

function all(seed: SeedSpec, table: string, name: string, number = 1): unknown[] {
  const catalog = createCatalog(seed, { seed: number, scale: 1 });
  return Array.from({ length: catalog.rows(table) }, (_, row) => catalog.cell(table, name, row));
}

function countsOf(sample: readonly unknown[], of: readonly unknown[]): Float64Array {
  return Float64Array.from(of, (value) => sample.filter((one) => one === value).length);
}

describe('keys', () => {
  test.each<[string, Column, RegExp]>([
    ['uuid', uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/],
    ['hex', hex(5, { prefix: '0x' }), /^0x[0-9a-f]{10}$/],
    ['hashedId', hashedId(), /^\d+$/],
    ['shuffledId', shuffledId(), /^\d+$/],
    ['serial', serial({ from: 10, step: 5 }), /^\d+$/],
  ])('%s is unique and well formed', (_, generator, format) => {
    const made = values(generator);
    expect(new Set(made).size).toBe(rows);
    expect(made.every((value) => format.test(String(value)))).toBe(true);
  });

  test('shuffledId is a permutation in no visible order', () => {
    const made = values(shuffledId());
    expect(made.toSorted((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, row) => row + 1));
    expect(made.filter((value, row) => value === row + 1).length).toBeLessThan(20);
  });

  test('equal numbers give equal keys', () => {
    const halves = combine([rowNumber()], (row) => Math.floor(row / 2));
    expect(new Set(values(uuid({ by: halves }))).size).toBe(rows / 2);
    expect(new Set(values(hex(8, { by: halves }))).size).toBe(rows / 2);
  });
});

describe('numbers follow their distribution', () => {
  test('uniform', () => {
    const made = values(uniform(3, 12));
    expect(chiSquareOf(countsOf(made, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]))).toBeLessThan(chiSquareLimit(9));
  });

  test.each<[string, Column<number>, (x: number) => number]>([
    ['normal', normal({ mean: 10, deviation: 3, decimals: 9 }), (x) => normalDistribution((x - 10) / 3)],
    [
      'logNormal',
      logNormal({ median: 180, sigma: 0.8, decimals: 9 }),
      (x) => normalDistribution(Math.log(x / 180) / 0.8),
    ],
    ['exponential', exponential({ mean: 4, decimals: 9 }), (x) => 1 - Math.exp(-x / 4)],
    ['decimal', decimal(2, 4, 9), (x) => (x - 2) / 2],
  ])('%s (Kolmogorov-Smirnov)', (_, generator, distribution) => {
    const sample = Float64Array.from(values(generator));
    expect(kolmogorovSmirnov(sample, distribution)).toBeLessThan(kolmogorovSmirnovLimit(rows));
  });

  test('limits and decimals hold', () => {
    const made = values(normal({ mean: 0, deviation: 5, min: -3, max: 3, decimals: 1 }));
    expect(made.every((value) => value >= -3 && value <= 3 && Number.isInteger(Math.round(value * 1e9) / 1e8))).toBe(
      true,
    );
  });

  test('zipf counts from 1', () => {
    const made = values(zipf(100, 1));
    const ranks = Array.from({ length: 100 }, (_, rank) => rank + 1);
    expect(
      chiSquareOf(
        countsOf(made, ranks),
        Float64Array.from(ranks, (rank) => 1 / rank),
      ),
    ).toBeLessThan(chiSquareLimit(99));
  });

  test('chance and nullable have their share', () => {
    expect(chiSquareOf(countsOf(values(chance(0.3)), [true, false]), Float64Array.of(3, 7))).toBeLessThan(
      chiSquareLimit(1),
    );
    const nulls = values(nullable(0.1, uuid())).filter((value) => value === null).length;
    expect(chiSquareOf(Float64Array.of(nulls, rows - nulls), Float64Array.of(1, 9))).toBeLessThan(chiSquareLimit(1));
  });
});

describe('choices', () => {
  test('weighted and oneOf', () => {
    const weights = [
      ['a', 70],
      ['b', 25],
      [null, 5],
    ] as const;
    const made = values(weighted(weights));
    expect(chiSquareOf(countsOf(made, ['a', 'b', null]), Float64Array.of(70, 25, 5))).toBeLessThan(chiSquareLimit(2));
    expect(chiSquareOf(countsOf(values(oneOf(['x', 'y', 'z'])), ['x', 'y', 'z']))).toBeLessThan(chiSquareLimit(2));
  });

  test('inTurn and constant', () => {
    expect(values(inTurn(['a', 'b', 'c'])).slice(0, 5)).toEqual(['a', 'b', 'c', 'a', 'b']);
    expect(new Set(values(constant('same')))).toEqual(new Set(['same']));
    expect(new Set(values(constant(null)))).toEqual(new Set([null]));
  });

  test('byIndex tells the same story in several columns', () => {
    const seed = defineSeed({
      asOf: now,
      tables: {
        t: {
          rows: 100,
          latent: { outcome: uniform(0, 2) },
          columns: { ok: byIndex([true, false, false], 'outcome'), error: byIndex([null, 'full', 'late'], 'outcome') },
        },
      },
    });
    const [ok, error] = [all(seed, 't', 'ok'), all(seed, 't', 'error')];
    expect(ok.every((value, row) => (value === true) === (error[row] === null))).toBe(true);
    expect(new Set(error)).toEqual(new Set([null, 'full', 'late']));
  });

  test.each<[string, Column, Column | undefined, (value: unknown, even: boolean) => boolean]>([
    ['numbers', uniform(1, 9), uniform(11, 19), (value, even) => (even ? Number(value) < 10 : Number(value) > 10)],
    ['choices', constant('a'), constant('b'), (value, even) => value === (even ? 'a' : 'b')],
    [
      'text and choices',
      text`a${serial()}`,
      constant('b'),
      (value, even) => String(value).startsWith(even ? 'a' : 'b'),
    ],
    ['UUIDs and null', uuid(), undefined, (value, even) => (value !== null) === even],
    ['text and null', hex(4), undefined, (value, even) => (value !== null) === even],
    ['null choices', constant(null), constant('b'), (value, even) => value === (even ? null : 'b')],
    ['lists and values', list([constant(1)]), compute(() => 7), (value, even) => Array.isArray(value) === even],
  ])('when chooses between %s row by row', (_, then, otherwise, right) => {
    const even = combine([rowNumber()], (row) => Number(row % 2 === 0), { as: 'boolean' });
    const made = values(otherwise === undefined ? when(even, then) : when(even, then, otherwise));
    expect(made.every((value, row) => right(value, row % 2 === 0))).toBe(true);
  });
});

describe('times', () => {
  test('in row order they never go back, and stay in the range', () => {
    const made = values(timestamp({ days: 30, inRowOrder: true, daily: 0.8, weekend: 0.3, growthPerDay: 0.1 }));
    const end = Date.parse(now);
    expect(made.every((at, row) => row === 0 || at >= made[row - 1]!)).toBe(true);
    expect(made[0]!.getTime()).toBeGreaterThanOrEqual(end - 30 * 86_400_000);
    expect(made.at(-1)!.getTime()).toBeLessThanOrEqual(end);
  });

  test('hours and weekends have the declared traffic', () => {
    const made = values(timestamp({ days: 28, daily: 0.5, peakHour: 12, weekend: 0.5 }));
    const hours = Float64Array.from({ length: 24 }, (_, hour) => made.filter((at) => at.getUTCHours() === hour).length);
    const wave = hours.map((_, hour) => 1 + 0.5 * Math.cos(((hour + 0.5 - 12) / 24) * 2 * Math.PI));
    expect(chiSquareOf(hours, wave)).toBeLessThan(chiSquareLimit(23));
    const weekend = made.filter((at) => at.getUTCDay() % 6 === 0).length;
    expect(chiSquareOf(Float64Array.of(weekend, rows - weekend), Float64Array.of(2 * 0.5, 5))).toBeLessThan(
      chiSquareLimit(1),
    );
  });

  test('growth raises the last days', () => {
    const made = values(timestamp({ days: 10, growthPerDay: 0.5, growthDays: 2 }));
    const end = Date.parse(now);
    const days = Float64Array.from({ length: 10 }, (_, day) => {
      const from = end - (10 - day) * 86_400_000;
      return made.filter((at) => at.getTime() >= from && at.getTime() < from + 86_400_000).length;
    });
    // The mean of 1.5^x over the ninth day, and the tenth.
    const grown = 0.5 / Math.log(1.5);
    const weights = Float64Array.of(1, 1, 1, 1, 1, 1, 1, 1, grown, grown * 1.5);
    expect(chiSquareOf(days, weights)).toBeLessThan(chiSquareLimit(9));
  });

  test('after adds and caps', () => {
    expect(values(after(asOf(), constant(-60_000)))[0]).toEqual(new Date(Date.parse(now) - 60_000));
    expect(values(after(asOf(), constant(60_000), { cap: true }))[0]).toEqual(new Date(now));
  });
});

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
        any: reference('users', 'id'),
        evenly: rowOf('users'),
      },
    },
  },
});

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
    const numbers = (name: string): number[] => all(shop, 'orders', name) as number[];
    const perUser = (name: string): Float64Array => {
      const counts = new Float64Array(200);
      for (const row of numbers(name)) counts[row]!++;
      return counts;
    };
    expect(chiSquareOf(perUser('evenly'))).toBeLessThan(chiSquareLimit(199));
    const zipfWeights = Float64Array.from({ length: 200 }, (_, row) => 1 / (row + 1));
    expect(chiSquareOf(perUser('buyer'), zipfWeights)).toBeLessThan(chiSquareLimit(199));
    const big = perUser('big');
    expect(big[0]! / big[100]!).toBeGreaterThan(4);
    const late = Float64Array.from({ length: 200 }, (_, age) => Math.exp(-age / 20));
    expect(chiSquareOf(perUser('late').toReversed().slice(0, 80), late.slice(0, 80))).toBeLessThan(chiSquareLimit(79));
    const near = numbers('near').map((user, row) => Math.abs(user - row / 20));
    expect(Math.max(...near)).toBeLessThan(10);
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

describe('text and structures', () => {
  test('a template is null where a part is', () => {
    const made = values(text`id ${serial()}: ${nullable(0.5, hex(2))}`);
    expect(made.some((value) => value === null)).toBe(true);
    expect(made.every((value, row) => value === null || value.startsWith(`id ${row + 1}: `))).toBe(true);
  });

  test('faked text comes from a seeded dictionary', () => {
    const made = values(faked((faker) => faker.person.fullName(), { entries: 20 }));
    expect(new Set(made).size).toBe(20);
    expect(values(faked((faker) => faker.person.fullName(), { entries: 20 }))).toEqual(made);
  });

  test('json escapes what it holds', () => {
    const made = values(
      json({ 'a"b': oneOf(['x"y', 'é\n']), n: nullable(0.5, uniform(1, 3)), inner: json({}), at: asOf() }),
    );
    expect(made[0]).toEqual({ 'a"b': expect.any(String), n: made[0]!.n, inner: {}, at: '2026-11-01T00:00:00.000Z' });
    expect(new Set(made.map((value) => value['a"b']))).toEqual(new Set(['x"y', 'é\n']));
  });

  test('lists have the length that they are given', () => {
    const made = values(list([serial(), constant(null), hex(2)], uniform(0, 3)));
    expect(new Set(made.map((value) => value.length))).toEqual(new Set([0, 1, 2, 3]));
    expect(made.every((value, row) => value.length === 0 || value[0] === row + 1)).toBe(true);
  });
});

describe('catalog and digest', () => {
  const spec = (generator: Column): SeedSpec =>
    defineSeed({ asOf: now, tables: { t: { rows: 300, columns: { c: generator } } } });
  const digest = (seed: SeedSpec, number = 1, scale = 1): string => seedDigest(seed, { seed: number, scale });

  test('the digest changes with anything that shapes the rows, and with nothing else', () => {
    const first = digest(spec(uniform(1, 6)));
    expect(digest(spec(uniform(1, 6)))).toBe(first);
    const others = [
      digest(spec(uniform(1, 7))),
      digest(spec(uniform(1, 6)), 2),
      digest(spec(uniform(1, 6)), 1, 0.5),
      digest(spec(compute(({ row }) => row))),
      digest(spec(compute(({ row }) => row + 1))),
    ];
    expect(new Set([first, ...others]).size).toBe(6);
  });

  test('a function that behaves differently changes the digest, though its source is the same', () => {
    const made = (step: number): string => digest(spec(compute(({ row }) => row * step)));
    expect(made(2)).not.toBe(made(3));
  });

  test('scale, fixed and minimum rows', () => {
    const seed = defineSeed({
      asOf: now,
      tables: {
        big: { rows: 1_000, columns: { c: serial() } },
        small: { rows: 1_000, minimumRows: 100, columns: { c: serial() } },
        kinds: { rows: 4, fixed: true, columns: { c: serial() } },
        children: { childrenOf: { table: 'big', counts: [[2, 1]] }, columns: { c: serial() } },
      },
    });
    const counts = (scale: number): number[] => {
      const catalog = createCatalog(seed, { seed: 1, scale });
      return catalog.tables().map((table) => catalog.rows(table));
    };
    expect(counts(1)).toEqual([1_000, 1_000, 4, 2_000]);
    expect(counts(0.01)).toEqual([10, 100, 4, 20]);
    expect(counts(3)).toEqual([3_000, 3_000, 4, 6_000]);
  });

  test.each<[string, (catalog: ReturnType<typeof createCatalog>) => unknown, string]>([
    ['table', (catalog) => catalog.rows('tt'), 'has no table tt'],
    ['column', (catalog) => catalog.cell('t', 'd', 0), 'has no column d'],
    ['row', (catalog) => catalog.cell('t', 'c', 300), 'has no row 300: it has 300 rows'],
  ])('an unknown %s is named', (_, ask, message) => {
    expect(() => ask(createCatalog(spec(serial()), { seed: 1, scale: 1 }))).toThrow(message);
  });

  test('all faults of a definition are told at once', () => {
    expect(() =>
      defineSeed({
        asOf: 'yesterday',
        tables: {
          a: { rows: -1, columns: {} },
          b: { childrenOf: { table: 'c', counts: [[1.5, 1]] }, columns: {} },
        },
      }),
    ).toThrow(/yesterday.*table a: rows.*parent table c.*childrenOf.counts/);
    const broken = defineSeed({
      asOf: now,
      tables: {
        t: {
          rows: 1,
          columns: {
            a: column('b'),
            b: column('a'),
            c: combine(['d'], (d) => d),
            e: when('f', serial()),
            f: uuid(),
            g: parent('x'),
          },
        },
      },
    });
    const bind = (): unknown => createCatalog(broken, { seed: 1, scale: 1 });
    expect(bind).toThrow(UsageError);
    expect(bind).toThrow(/t\.a: .*depends on itself.*t\.c: .*no column d.*t\.e: numbers.*t\.g: table t has no parent/);
  });
});
