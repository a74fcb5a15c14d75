/** The section of report.md that says why: what the server reads in another way than before, and what that saves or costs. */
import type { IndexUse, StageEvidence, TransactionCost } from '../observe/record.ts';
import type { RunResult } from '../result.ts';
import { figuresOf } from '../stage-figures.ts';
import { reasonsOf, type Access, type Reason } from '../verdict/reasons.ts';
import { describeChange } from './comparison.ts';
import { formatBytes, formatCount, formatPlural, formatShare, formatUs } from './format.ts';
import { planPairs, plansByParameters } from './markdown-plans.ts';
import { details, escapeText, table, toRight } from './markdown-text.ts';

/** As many relations of a transaction as a cell can hold. */
const mostAccesses = 3;

/** First stage against last; '' where one of them was not observed, or by a version that kept no plans. */
export function renderWhy(result: RunResult): string {
  const { evidence = [], stages } = result;
  const [before, after] = [stages[0], stages.at(-1)].map((stage) =>
    evidence.find((own) => own.stage === stage?.name && own.plans !== undefined),
  );
  if (before === undefined || after === undefined || before === after) return '';
  const parts = [
    reasonTable(result, before, after),
    addedIndexes(before, after),
    planPairs(before, after),
    plansByParameters(result, [before, after]),
  ];
  const found = parts.filter((part) => part !== '');
  return found.length === 0 ? '' : ['## What changed, and why', ...found].join('\n\n');
}

/** '' where nobody knows which statements are whose: those of a service. */
function reasonTable(result: RunResult, before: StageEvidence, after: StageEvidence): string {
  const rows = reasonsOf(before, after).map((reason) => [
    escapeText(reason.transaction),
    changeOf(result, before.stage, after.stage, reason.transaction),
    both(reason, ({ blocks }) => blocks, amount),
    both(
      reason,
      ({ walBytes }) => walBytes,
      (bytes) => formatBytes(Math.round(bytes)),
    ),
    both(reason, ({ calls }) => calls, amount),
    describeAccesses(reason),
  ]);
  const figures = ['p95', 'Blocks a run', 'WAL a run', 'Statements a run'].map(toRight);
  if (rows.length === 0) return '';
  return [
    table(['Transaction', ...figures, 'Reads'], rows),
    'Work is counted by the server for each run of a transaction; plans are those for unknown parameters, taken after the load.',
  ].join('\n\n');
}

/** Where a stage was saturated, without the waiting. */
function changeOf(result: RunResult, first: string, last: string, transaction: string): string {
  const figures = [figuresOf(result, first), figuresOf(result, last)];
  const [from, to] = figures.map((own) => own?.mainBlock.transactions.find(({ name }) => name === transaction));
  const time = figures.some((own) => own?.saturatedBlock) ? 'service' : 'response';
  return from && to ? describeChange(time, from, to) : '';
}

function both(
  { costBefore, costAfter }: Reason,
  pick: (cost: TransactionCost) => number,
  format: (value: number) => string,
): string {
  const [from, to] = [costBefore, costAfter].map((cost) =>
    cost === undefined || cost.runs === 0 ? undefined : format(pick(cost) / cost.runs),
  );
  if (from === undefined && to === undefined) return '';
  return from === to ? from! : `${from ?? 'none'} → ${to ?? 'none'}`;
}

function amount(value: number): string {
  return value >= 100 ? formatCount(Math.round(value)) : String(Number(value.toFixed(1)));
}

/** What is read in another way first, then what is read no more, then what is new. */
function describeAccesses({ dropped, gained }: Reason): string {
  const changed = gained.filter(({ relation }) => dropped.some((own) => own.relation === relation));
  const names = new Set(changed.map(({ relation }) => relation));
  const others = (list: readonly Access[]): Access[] => list.filter(({ relation }) => !names.has(relation));
  const parts = [
    ...[...names].map((name) => `${escapeText(name)}: ${waysOf(dropped, name)} → ${waysOf(gained, name)}`),
    some('no more:', others(dropped)),
    some('new:', others(gained)),
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'as before' : parts.join('; ');
}

function waysOf(list: readonly Access[], name: string): string {
  const ways = list.filter(({ relation }) => relation === name).map(({ way }) => escapeText(way));
  return ways.length <= mostAccesses ? ways.join(' and ') : formatPlural(ways.length, 'way');
}

function some(word: string, list: readonly Access[]): string {
  if (list.length === 0) return '';
  const shown = list.slice(0, mostAccesses).map(({ relation, way }) => escapeText(`${relation} (${way})`));
  const rest = list.length - shown.length;
  return `${word} ${shown.join(', ')}${rest > 0 ? ` and ${formatCount(rest)} more` : ''}`;
}

/** What each index costs in space, beside what it was used for. What it costs the writers stands in the table above. */
function addedIndexes(before: StageEvidence, after: StageEvidence): string {
  const known = new Set(before.indexes.map(({ index }) => index));
  const added = after.indexes.filter(({ index }) => !known.has(index)).sort((a, b) => b.bytes - a.bytes);
  if (added.length === 0) return '';
  const bytes = added.reduce((total, own) => total + own.bytes, 0);
  const summary = `${formatPlural(added.length, 'index', 'indexes')} added, ${formatBytes(bytes)}: the price, and what for`;
  const rows = added.map((own) => [
    escapeText(own.index),
    escapeText(own.table),
    formatBytes(own.bytes),
    entriesWritten(own, after),
    [before, after].map((stage) => hotShare(own, stage)).join(' → '),
    ...priceOf(own, after),
    formatCount(own.scans),
    useOf(own),
  ]);
  const price = [
    'Size',
    'Entries written at most',
    'HOT updates of its table',
    'WAL a write',
    'Time a write',
    'Scans in this load',
  ];
  return details(
    summary,
    table(['Index', 'On', ...price.map(toRight), ''], rows),
    'A write is a statement of the load that writes to the table: carried out after the load with the index and without it, and taken back. ' +
      'Less than nothing: the statement finds its rows by this index. Full-page images are not counted.',
  );
}

/** What it adds to the WAL and to the time of a statement; empty where that could not be told. */
function priceOf({ index }: IndexUse, { indexPrices = [] }: StageEvidence): [wal: string, time: string] {
  const own = indexPrices.find((price) => price.index === index);
  if (own === undefined) return ['', ''];
  return [signed(Math.round(own.walBytes), formatBytes), signed(own.executionUs, formatUs)];
}

/** Every new row, and every update that was not heap-only, writes an entry into each index of its table; into a partial one not always. */
function entriesWritten({ table: of }: IndexUse, { tables }: StageEvidence): string {
  const own = tables.find(({ table: name }) => name === of);
  return own === undefined ? '' : formatCount(own.inserted + own.updated - own.hotUpdated);
}

/** An index on a column that is updated takes heap-only updates from its table. */
function hotShare({ table: of }: IndexUse, { tables }: StageEvidence): string {
  const own = tables.find(({ table: name }) => name === of);
  return own === undefined || own.updated === 0 ? 'none updated' : formatShare(own.hotUpdated / own.updated);
}

function useOf({ scans, constraint }: IndexUse): string {
  if (scans > 0) return '';
  return constraint ? 'holds a constraint' : '**not used in this load**';
}

function signed(value: number, format: (size: number) => string): string {
  return `${value < 0 ? '-' : '+'}${format(Math.abs(value))}`;
}
