/** Two stored runs side by side, for the terminal and as Markdown. */
import type {
  ComparedFigures,
  ComparedStage,
  ComparedTransaction,
  Pair,
  ResultComparison,
} from '../compare-results.ts';
import { describeCommit } from './commit.ts';
import { leastForP95 } from './comparison.ts';
import { formatBytes, formatInstant, formatRate, formatRatio, formatShare, formatUs } from './format.ts';
import { escapeText, table, toRight } from './markdown-text.ts';

/** What no reader of such a table may forget. */
const caveat =
  'These are two single runs: nothing here has an interval, and nothing passes or fails. On a shared machine, runs of the very same thing often differ by ' +
  'more than 10 %, so a smaller difference proves nothing and a larger one is a reason to measure: `pgrehearse run` with ' +
  '--before-ref compares both states in pairs, on one machine, at one time.';

/** A Markdown document; the terminal shows it as it is. */
export function renderComparison(comparison: ResultComparison): string {
  const { a, b, obstacles, stages, leftOut } = comparison;
  const parts = [
    '# Two runs side by side',
    [`- a: ${describeRun(a)}`, `- b: ${describeRun(b)}`].join('\n'),
    describeObstacles(obstacles),
    ...stages.map(stageSection),
    leftOut.length === 0 ? '' : `Measured by one run only: ${leftOut.map(escapeText).join(', ')}.`,
    caveat,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function describeRun({ id, startedAt, commit }: ResultComparison['a']): string {
  const of = commit === undefined ? '' : `, commit ${describeCommit(commit)}`;
  return `${escapeText(id)}, ${formatInstant(startedAt)}${of}`;
}

function describeObstacles(obstacles: readonly string[]): string {
  if (obstacles.length === 0) return '';
  const list = obstacles.map((obstacle) => `- ${escapeText(obstacle)}`).join('\n');
  return `**These runs cannot be compared.** They measured different things:\n\n${list}\n\nThe differences below have these causes too, and nobody can tell them apart from the effect of a change.`;
}

function stageSection({ stage, time, heldPerSecond, databaseBytes, transactions }: ComparedStage): string {
  const mark = time === 'service' ? ' Service times: the stage was saturated in one of the runs.' : '';
  const figures = ['p50', 'p95', 'p99', 'Missed'].flatMap((name) => [toRight(`${name} a`), toRight('b')]);
  return [
    `## ${escapeText(stage)}`,
    `Held rate ${both(heldPerSecond, formatRate)}; size ${both(databaseBytes, formatBytes)}.${mark}`,
    table(['Transaction', ...figures, toRight('p95 b/a')], transactions.map(transactionRow)),
  ].join('\n\n');
}

function both({ a, b }: Pair<number>, format: (value: number) => string): string {
  return `${format(a)} and ${format(b)}${a > 0 && b > 0 ? ` (${formatRatio(b / a)})` : ''}`;
}

function transactionRow({ transaction, a, b }: ComparedTransaction): string[] {
  const times = (['p50Us', 'p95Us', 'p99Us'] as const).flatMap((name) => [timeCell(a, name), timeCell(b, name)]);
  const few = Math.min(a.count, b.count) < leastForP95 ? '~' : '';
  return [
    transaction === undefined ? '**all transactions**' : escapeText(transaction),
    ...times,
    formatShare(a.missedShare),
    formatShare(b.missedShare),
    a.p95Us > 0 && b.p95Us > 0 ? `${few}${formatRatio(b.p95Us / a.p95Us)}` : '',
  ];
}

function timeCell(figures: ComparedFigures, name: 'p50Us' | 'p95Us' | 'p99Us'): string {
  return figures.count === 0 ? 'none' : formatUs(figures[name]);
}
