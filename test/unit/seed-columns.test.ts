import { describe, expect, test } from 'vitest';
import {
  after,
  asOf,
  byIndex,
  chance,
  combine,
  compute,
  constant,
  decimal,
  defineSeed,
  exponential,
  faked,
  hashedId,
  hex,
  inTurn,
  json,
  list,
  logNormal,
  normal,
  nullable,
  oneOf,
  rowNumber,
  serial,
  shuffledId,
  text,
  timestamp,
  uniform,
  uuid,
  weighted,
  when,
  zipf,
  type Column,
} from 'pgrehearse';
import {
  chiSquareLimit,
  chiSquareOf,
  kolmogorovSmirnov,
  kolmogorovSmirnovLimit,
  normalDistribution,
} from './seed-statistics.ts';
import { all, now, rows, values } from './seed-values.ts';

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

describe('text and structures', () => {
  test('a template is null where a part is', () => {
    const made = values(text`id ${serial()}: ${nullable(0.5, hex(2))}`);
    expect(made.some((value) => value === null)).toBe(true);
    expect(made.every((value, row) => value === null || value.startsWith(`id ${row + 1}: `))).toBe(true);
  });

  test('faked text comes from a seeded dictionary', () => {
    const made = values(faked((faker) => faker.person.fullName(), { entries: 20 }));
    const entries = [...new Set(made)];
    expect(entries.length).toBe(20);
    expect(chiSquareOf(countsOf(made, entries))).toBeLessThan(chiSquareLimit(19));
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
