import { assert, double, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration, parseList, parsePort, parsePositive, parseWhole } from '../../src/cli/options.ts';
import { parseMemory } from '../../src/cli/server-options.ts';

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['60s', 60_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', '60', '-1s', '1 s', 's', '1d', '1e3s', '0x10s'])('refuses %j', (text) =>
    expect(() => parseDuration(text)).toThrow('a number and a unit'),
  );
});

describe('numbers', () => {
  it('reads every positive number that JavaScript prints', () => {
    assert(
      property(double({ min: 0, minExcluded: true, noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(parsePositive(String(value))).toBe(value);
      }),
    );
  });
  it.each(['', ' ', '0', '-1', 'NaN', 'Infinity', '1x'])('refuses %j as a positive number', (text) =>
    expect(() => parsePositive(text)).toThrow(),
  );
  it.each(['', '-1', '1.5', '9007199254740993', 'abc'])('refuses %j as a whole number', (text) =>
    expect(() => parseWhole(text)).toThrow(),
  );
  it.each(['0', '65536', '5432.5'])('refuses %j as a port', (text) => expect(() => parsePort(text)).toThrow());
  it('reads ports', () => expect(parsePort('5432')).toBe(5432));
});

describe('lists', () => {
  it('trims names', () => expect(parseList('before, after')).toEqual(['before', 'after']));
  it.each(['', 'before,', ',after'])('refuses %j', (text) => expect(() => parseList(text)).toThrow());

  it.each([
    ['512m', 512 * 2 ** 20],
    ['4g', 4 * 2 ** 30],
    ['1.5GB', 1.5 * 2 ** 30],
  ])('reads %s of memory', (text, bytes) => expect(parseMemory(text)).toBe(bytes));
  it.each(['4', 'g', '0g', '4 g', '-1g'])('refuses %j as memory', (text) =>
    expect(() => parseMemory(text)).toThrow('512m or 4g'),
  );
});
