import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatInstant,
  formatMs,
  formatPlural,
  formatRate,
  formatRatio,
  formatShare,
  formatUs,
} from '../../src/report/format.ts';

type Table = [value: number, text: string][];

describe('formatUs', () => {
  it.each<Table[number]>([
    [0, '0 ms'],
    [0.4, '0.4 µs'],
    [840, '840 µs'],
    [999.4, '999 µs'],
    [999.6, '1 ms'],
    [1000, '1 ms'],
    [1234, '1.23 ms'],
    [9996, '10 ms'],
    [50_000, '50 ms'],
    [412_345, '412 ms'],
    [999_400, '999 ms'],
    [999_600, '1 s'],
    [2_400_000, '2.4 s'],
    [60_000_000, '60 s'],
    [119_400_000, '119 s'],
    [119_600_000, '2 min'],
    [204_000_000, '3 min 24 s'],
    [7_500_000_000, '2 h 5 min'],
    [3_600_000_000_000, '1,000 h'],
  ])('%d is %s', (us, text) => expect(formatUs(us)).toBe(text));

  it('is formatMs of a thousandth', () => expect(formatMs(1.234)).toBe('1.23 ms'));
});

it.each<Table[number]>([
  [0, '0/s'],
  [0.3333, '0.33/s'],
  [9.96, '10/s'],
  [14.23, '14.2/s'],
  [1000, '1,000/s'],
  [999.7, '1,000/s'],
  [12_345.6, '12,346/s'],
])('formatRate(%d) is %s', (rate, text) => expect(formatRate(rate)).toBe(text));

it.each<Table[number]>([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '0.977 KiB'],
  [1024, '1 KiB'],
  [1_048_576, '1 MiB'],
  [2_813_203_579, '2.62 GiB'],
  [7.5 * 2 ** 30, '7.5 GiB'],
  [2 ** 70, '1,048,576 PiB'],
])('formatBytes(%d) is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

it.each<Table[number]>([
  [0, '0 %'],
  [0.000_01, '<0.01 %'],
  [0.0042, '0.42 %'],
  [0.05, '5 %'],
  [0.0523, '5.2 %'],
  [0.123, '12 %'],
  [0.985, '98.5 %'],
  [0.9953, '99.53 %'],
  [0.999_99, '>99.99 %'],
  [1, '100 %'],
])('formatShare(%d) is %s', (share, text) => expect(formatShare(share)).toBe(text));

it.each<Table[number]>([
  [412.4, '412x'],
  [1.94, '1.9x'],
  [1.04, '1x'],
  [0.084, '0.084x'],
  [12_345, '12,345x'],
])('formatRatio(%d) is %s', (ratio, text) => expect(formatRatio(ratio)).toBe(text));

it('counts with separators, nouns and their plurals', () => {
  expect([0, 999, 1000, 10_302_000].map(formatCount)).toEqual(['0', '999', '1,000', '10,302,000']);
  expect(formatPlural(1, 'error')).toBe('1 error');
  expect(formatPlural(1200, 'entry', 'entries')).toBe('1,200 entries');
});

it('tells instants in UTC', () => expect(formatInstant('2026-11-20T21:03:01.000Z')).toBe('2026-11-20 21:03 UTC'));

it('never shows a number that is not the figure to three digits', () => {
  const factors: Record<string, number> = { µs: 1, ms: 1e3, s: 1e6 };
  fc.assert(
    fc.property(fc.double({ min: 1, max: 1.19e8, noNaN: true }), (us) => {
      const [value, unit] = formatUs(us).split(' ');
      const shown = Number(value) * factors[unit!]!;
      expect(Math.abs(shown - us) / us).toBeLessThanOrEqual(0.0051);
      expect(value!.replace(/\D|^0+|\.0+/g, '').length).toBeLessThanOrEqual(4);
    }),
  );
});
