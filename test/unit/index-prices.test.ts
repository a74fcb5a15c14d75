/** What an index costs its writers, from the same writes with it and without it. */
import { expect, it } from 'vitest';
import { priceOf, type Write } from '../../src/observe/index-prices.ts';

const write = (walBytes: number, executionUs: number, change: Partial<Write> = {}): Write => ({
  statement: 'take',
  tables: ['public.accounts'],
  walBytes,
  fullPageImages: 0,
  executionUs,
  ...change,
});

it('takes the mean of the WAL and the median of the time', () => {
  const having = [[write(200, 50)], [write(220, 60)], [write(300, 5000)]];
  const lacking = [[write(130, 40)], [write(130, 45)], [write(130, 40)]];
  expect(priceOf('i', 'public.accounts', having, lacking)).toEqual([
    { index: 'i', writes: 3, walBytes: 110, executionUs: 15 },
  ]);
});

it('compares nothing but like with like', () => {
  const same = [write(200, 50)];
  const pairs: [Write[] | undefined, Write[] | undefined][] = [
    [same, undefined],
    [undefined, same],
    [same, [write(130, 40, { statement: 'other' })]],
    [same, [...same, ...same]],
    [same, [write(8300, 40, { fullPageImages: 1 })]],
    [[write(0, 5, { tables: [] })], [write(0, 5, { tables: [] })]],
    [[write(90, 5, { tables: ['public.others'] })], [write(60, 5, { tables: ['public.others'] })]],
  ];
  const [having, lacking] = [pairs.map(([own]) => own), pairs.map(([, other]) => other)];
  expect(priceOf('i', 'public.accounts', having, lacking)).toEqual([]);
  expect(priceOf('i', 'public.accounts', [...having, same], [...lacking, [write(130, 40)]])).toMatchObject([
    { writes: 1, walBytes: 70 },
  ]);
});
