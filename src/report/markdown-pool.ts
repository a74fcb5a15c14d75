/** How the client's pool of connections served each stage, in report.md. */
import type { Block, RunResult, StageResult } from '../result.ts';
import { describePool, formatCount, formatMs, formatShare, formatUs } from './format.ts';
import { escapeText, table, toRight } from './markdown-text.ts';

/** A row for each block that was measured with its pool in view. */
export function pools({ blocks, stages }: Pick<RunResult, 'blocks' | 'stages'>): string {
  const rows = blocks.flatMap((block) => rowsOf(block));
  if (rows.length === 0) return '';
  const columns = ['Wait p50', 'p95', 'p99', 'max', 'In use', 'Most at once', 'Found none free', 'Got none'];
  const header = ['Pool of the client', toRight('Connections'), ...columns.map(toRight)];
  return [table(header, rows), ...stages.flatMap((stage) => ruleOf(stage))].join('\n\n');
}

function rowsOf({ stage, pool, counts }: Block): string[][] {
  if (pool === undefined) return [];
  const { max, min, wait, utilisation, busiest, exhausted, timedOut } = pool;
  return [
    [
      escapeText(stage),
      min === max ? formatCount(max) : `${formatCount(min)} to ${formatCount(max)}`,
      formatUs(wait.p50Us),
      formatUs(wait.p95Us),
      formatUs(wait.p99Us),
      formatUs(wait.maxUs),
      formatShare(utilisation),
      formatCount(busiest),
      shareOf(exhausted, counts.scheduled),
      shareOf(timedOut, counts.scheduled),
    ],
  ];
}

function shareOf(part: number, all: number): string {
  return part === 0 || all === 0 ? formatCount(part) : `${formatCount(part)} (${formatShare(part / all)})`;
}

/** What the stage says of its pool, where it says anything. */
function ruleOf({ name, pool, statementTimeoutMs }: StageResult): string[] {
  if (pool === undefined) return [];
  const timeout = statementTimeoutMs === undefined ? '' : `; statements end after ${formatMs(statementTimeoutMs)}`;
  return [`${escapeText(name)}: ${describePool(pool)}${timeout}.`];
}
