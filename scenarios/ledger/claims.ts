import type { ClaimSpec } from 'pgrehearse';

const promise = (line: number) => `source document, line ${line}`;

type Range = Pick<ClaimSpec, 'atLeast' | 'atMost'>;

/** The document's table of expected improvements gives a range in milliseconds before and one after. */
function improvement(what: string, line: number, transaction: string, before: Range, after: Range): ClaimSpec[] {
  const claim = (stage: string, range: Range): ClaimSpec => ({
    text: `${what} takes ${range.atLeast} to ${range.atMost} ms`,
    source: promise(line),
    stage,
    measure: { kind: 'latency', transaction, statistic: 'p95', time: 'service' },
    // After the change, faster than promised is no broken promise.
    ...(stage === 'after' ? { atMost: range.atMost! } : range),
  });
  return [claim('before', before), claim('after', after)];
}

export const claims: ClaimSpec[] = [
  ...improvement(
    'An account balance',
    285,
    'balance_lookup',
    { atLeast: 150, atMost: 300 },
    { atLeast: 5, atMost: 10 },
  ),
  ...improvement('A journal search', 286, 'journal_search', { atLeast: 200, atMost: 500 }, { atLeast: 20, atMost: 50 }),
  ...improvement(
    'A balance history',
    287,
    'balance_history',
    { atLeast: 500, atMost: 1000 },
    { atLeast: 50, atMost: 100 },
  ),
  ...improvement(
    'An obligation summary',
    288,
    'obligation_summary',
    { atLeast: 300, atMost: 800 },
    { atLeast: 30, atMost: 80 },
  ),
  {
    text: 'All balances take 5 ms instead of 200',
    source: promise(193),
    stage: 'after',
    measure: { kind: 'latency', transaction: 'trial_balance', statistic: 'p50', time: 'service' },
    atMost: 5,
  },
  {
    text: 'The ledger holds 1,000 transactions a second',
    source: promise(275),
    stage: 'after',
    measure: { kind: 'heldRate' },
    atLeast: 1000,
  },
];
