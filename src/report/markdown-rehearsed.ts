/** What the traffic felt of several changes, a line each. */
import type { FeltChange } from '../live-migration/record.ts';
import type { RunResult } from '../result.ts';
import { formatCount, formatMs } from './format.ts';
import { escapeText, table, toRight, type Column } from './markdown-text.ts';

/**
 * @param headings of the labels
 * @param all labels in Markdown
 */
export function feltTable(
  headings: readonly Column[],
  all: readonly { labels: readonly string[]; felt: FeltChange }[],
): string {
  const columns = [
    'Took',
    'Longest stall (usual)',
    'Of reads',
    'Of writes',
    'Failed',
    'Blocked backend-seconds',
    'Slower than the limit',
    'Retries',
  ];
  return table(
    [...headings, ...columns.map(toRight)],
    all.map(({ labels, felt }) => [...labels, ...cells(felt)]),
  );
}

function cells(felt: FeltChange): string[] {
  const { longestStallMs, usualStallMs, readStallMs, writeStallMs, failed, errors } = felt;
  return [
    `${formatMs(felt.migrationMs)}${felt.applied ? '' : ', not applied'}`,
    `${formatMs(longestStallMs)} (${formatMs(usualStallMs)})`,
    readStallMs === undefined ? '' : formatMs(readStallMs),
    writeStallMs === undefined ? '' : formatMs(writeStallMs),
    `${formatCount(failed)}${errors.length === 0 ? '' : ` (${errors.map(escapeText).join(', ')})`}`,
    (felt.blockedMs / 1000).toFixed(1),
    formatCount(felt.pastLimit),
    formatCount(felt.retries),
  ];
}

/** '' where no step was rehearsed. */
export function renderRehearsedSteps({ rehearsedSteps: steps = [], slo }: RunResult): string {
  if (steps.length === 0) return '';
  const rows = steps.map((felt) => ({
    labels: [
      `${escapeText(felt.from)} to ${escapeText(felt.to)}`,
      `${formatCount(felt.ratePerSecond)}/s`,
      String(felt.scale),
      formatCount(felt.repeats),
    ],
    felt,
  }));
  return [
    '### The steps, inside of the load',
    `Each migration was applied while the stage before it was under load (\`pgrehearse rehearse\`), on clones of its own; the worst of all repeats. The limit is ${formatMs(slo.limitMs)}.`,
    feltTable(['Step', ...['Rate', 'Scale', 'Repeats'].map(toRight)], rows),
  ].join('\n\n');
}
