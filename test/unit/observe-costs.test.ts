/** Costs of transactions from the server's counters of statements. */
import { describe, expect, it } from 'vitest';
import { completedRuns, costsByTransaction } from '../../src/observe/costs.ts';

const statement = (transaction: string, queryId: string) => ({
  transaction,
  statement: 's',
  queryId,
  shape: 'Result',
  steps: [],
});

describe('costsByTransaction', () => {
  const counted = { calls: 10, blocks: 100, tempBlocks: 0, walRecords: 5, walBytes: 500, rows: 20, executionMs: 1 };

  it('adds up the statements of a transaction', () => {
    const [work] = costsByTransaction(
      new Map([['a', 10]]),
      [statement('a', '1'), statement('a', '2')],
      new Map([
        ['1', counted],
        ['2', counted],
        ['3', counted],
      ]),
    );
    expect(work).toMatchObject({ transaction: 'a', runs: 10, calls: 20, blocks: 200, walRecords: 10 });
  });

  it('divides what several transactions send in the same words by their runs', () => {
    const work = costsByTransaction(
      new Map([
        ['a', 30],
        ['b', 10],
      ]),
      [statement('a', '1'), statement('b', '1')],
      new Map([['1', counted]]),
    );
    expect(work.map(({ blocks }) => blocks)).toEqual([75, 25]);
  });

  it('knows nothing of a statement that never ran', () => {
    const [work] = costsByTransaction(new Map([['a', 0]]), [statement('a', '1')], new Map());
    expect(work).toMatchObject({ runs: 0, calls: 0, blocks: 0 });
  });
});

describe('completedRuns', () => {
  const counts = { scheduled: 100, succeeded: 60, failed: 0, timedOut: 20, unfinished: 20 };

  it('leaves out what the timeout cut off, in the warm-up as afterwards', () => {
    const transactions = [
      { name: 'a', counts, sent: 120 },
      { name: 'b', counts: { ...counts, succeeded: 0, timedOut: 0 }, sent: 4 },
    ];
    expect([...completedRuns({ transactions: transactions as never })]).toEqual([
      ['a', 90],
      ['b', 0],
    ]);
  });
});
