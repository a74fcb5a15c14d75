/**
 * The gate of work: does the server do more for a transaction than before? Counters hardly vary between runs of the same thing,
 * so they show what the clock cannot.
 */
import type { Comparison, StatementPlan, TransactionWork } from '../comparison/record.ts';
import { formatShare } from '../report/format.ts';
import type { Gate, RunResult } from '../result.ts';

/** A change within this share or this amount a run is no change, nor is one no larger than equal clones differ by. */
const noise = { share: 0.02, amount: 0.1 } as const;

const counters = [
  { key: 'blocks', unit: 'blocks' },
  { key: 'tempBlocks', unit: 'temporary blocks' },
  { key: 'walRecords', unit: 'WAL records' },
] as const satisfies readonly { key: keyof TransactionWork; unit: string }[];

/** One counter of one transaction on both sides, for each run of the transaction. */
export interface WorkChange {
  transaction: string;
  unit: string;
  /** Of both clones of the first stage together. */
  before: number;
  after: number;
  /** By how much the clones of the first stage differ from each other. */
  scatter: number;
}

/** What the server does for each run of each transaction, on both sides. */
export function workChanges({ work = [] }: Pick<Comparison, 'work'>): WorkChange[] {
  const transactions = work.filter(({ side }) => side === 'before').map(({ transaction }) => transaction);
  return transactions.flatMap((transaction) =>
    counters.flatMap(({ key, unit }) => {
      const [one, twin, after] = (['before', 'twin', 'after'] as const).map((side) =>
        countOf(work, transaction, side, key),
      );
      if (one === undefined || after === undefined) return [];
      const scatter = twin === undefined ? 0 : Math.abs(perRun(one) - perRun(twin));
      return [{ transaction, unit, before: perRun(one, twin), after: perRun(after), scatter }];
    }),
  );
}

interface Counted {
  runs: number;
  amount: number;
}

function countOf(
  work: readonly TransactionWork[],
  transaction: string,
  side: TransactionWork['side'],
  key: (typeof counters)[number]['key'],
): Counted | undefined {
  const found = work.find((own) => own.transaction === transaction && own.side === side);
  return found === undefined || found.runs === 0 ? undefined : { runs: found.runs, amount: found[key] };
}

function perRun(one: Counted, other: Counted = { runs: 0, amount: 0 }): number {
  return (one.amount + other.amount) / (one.runs + other.runs);
}

/** Statements that the server carries out in another way than before. */
export function changedPlans({ statementPlans = [] }: Pick<Comparison, 'statementPlans'>): {
  transaction: string;
  statement: string;
  before: string;
  after: string;
}[] {
  const on = (side: StatementPlan['side']) => statementPlans.filter((plan) => plan.side === side);
  return on('before').flatMap(({ transaction, statement, shape }) => {
    const after = on('after').find((other) => other.transaction === transaction && other.statement === statement);
    return after === undefined || after.shape === shape
      ? []
      : [{ transaction, statement, before: shape, after: after.shape }];
  });
}

/** Evidence by default; a gate where `maxWork` is given. Empty without counters. */
export function judgeWork({ comparison, gate: spec }: RunResult): Gate[] {
  if (comparison?.work === undefined) return [];
  const margin = Math.max(noise.share, spec?.maxWork ?? noise.share);
  const changes = workChanges(comparison);
  const more = changes.filter(
    ({ before, after, scatter }) => after - before > Math.max(before * margin, noise.amount, scatter),
  );
  const less = changes.filter(
    ({ before, after, scatter }) => before - after > Math.max(before * noise.share, noise.amount, scatter),
  );
  const plans = changedPlans(comparison).length;
  const asked = spec?.maxWork !== undefined;
  const parts = [
    more.length > 0 ? `more work: ${listed(more)}` : '',
    less.length > 0 ? `less work: ${listed(less)}` : '',
    more.length + less.length === 0 ? 'the same work for every transaction' : '',
    plans > 0 ? `${plans} ${plans === 1 ? 'plan' : 'plans'} changed` : '',
  ];
  return [
    {
      name: 'work',
      outcome: more.length > 0 ? 'fail' : 'pass',
      reason: `${parts.filter((part) => part !== '').join('; ')}${asked ? ` (allowed ${formatShare(margin)} more)` : ''}.`,
      ...(asked ? {} : { advisory: true }),
    },
  ];
}

/** The largest changes first, three of them. */
function listed(changes: readonly WorkChange[]): string {
  const size = ({ before, after }: WorkChange): number =>
    Math.abs(Math.log((after + noise.amount) / (before + noise.amount)));
  const texts = changes
    .toSorted((a, b) => size(b) - size(a))
    .slice(0, 3)
    .map(
      ({ transaction, unit, before, after }) => `${transaction} ${amount(before)} to ${amount(after)} ${unit} a run`,
    );
  return `${texts.join(', ')}${changes.length > 3 ? `, and ${changes.length - 3} more` : ''}`;
}

function amount(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}
