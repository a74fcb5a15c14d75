/** The server's counters of statements, put together by transaction. Pure. */
import type { Block } from '../result.ts';
import type { StatementWork, TransactionCost } from './record.ts';
import type { RecognisedStatement } from './statements.ts';

/**
 * Sums over the statements of each transaction. A statement that several transactions send in the same words is counted by the
 * server once for all of them: each gets its part in proportion to its runs.
 *
 * @param runs by transaction, repetitions included
 * @param counters by query identifier
 */
export function costsByTransaction(
  runs: ReadonlyMap<string, number>,
  statements: readonly RecognisedStatement[],
  counters: ReadonlyMap<string, StatementWork>,
): TransactionCost[] {
  return [...runs].map(([transaction, count]) => {
    const sum: StatementWork = {
      calls: 0,
      blocks: 0,
      tempBlocks: 0,
      walRecords: 0,
      walBytes: 0,
      rows: 0,
      executionMs: 0,
    };
    const own = new Set(statements.filter((known) => known.transaction === transaction).map(({ queryId }) => queryId));
    for (const queryId of own) {
      const counted = counters.get(queryId);
      if (counted === undefined) continue;
      const sharers = new Set(
        statements.filter((known) => known.queryId === queryId).map((known) => known.transaction),
      );
      const all = [...sharers].reduce((total, name) => total + (runs.get(name) ?? 0), 0);
      const share = all === 0 ? 0 : count / all;
      for (const key of Object.keys(sum) as (keyof StatementWork)[]) sum[key] += counted[key] * share;
    }
    return { transaction, runs: count, ...sum, calls: Math.round(sum.calls) };
  });
}

/**
 * Runs of each transaction that came to their end, warm-up included: the server counts a statement when it ends, so those that the
 * timeout cut off are not in its counters. Of the warm-up only the number sent is known; it is taken to have ended as the rest did.
 */
export function completedRuns(block: Pick<Block, 'transactions'>): Map<string, number> {
  return new Map(
    block.transactions.map(({ name, counts, sent = 0 }) => {
      const ended = counts.succeeded + counts.failed + counts.timedOut;
      return [name, ended === 0 ? 0 : Math.round((sent * counts.succeeded) / ended)];
    }),
  );
}
