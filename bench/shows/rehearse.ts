/** Rehearsals by the command line, and what the traffic felt of them in a table. */
import { resolve } from 'node:path';
import { execa } from 'execa';
import type { LiveRepeat } from '../../src/live-migration/record.ts';
import { formatCount, formatMs } from '../../src/report/format.ts';
import { table, toRight } from '../../src/report/markdown-text.ts';
import { readResult } from '../../src/result-file.ts';

const projectRoot = resolve(import.meta.dirname, '../..');
const command = [
  '--conditions=pgrehearse-source',
  '--no-warnings',
  resolve(projectRoot, 'src/cli/main.ts'),
  'rehearse',
];

/**
 * `pgrehearse rehearse`, whatever it judges.
 *
 * @param out folder for the result
 * @throws Error with what the command said when it did not come to its repeats
 */
export async function rehearse(
  scenario: string,
  flags: readonly string[],
  out: string,
): Promise<readonly LiveRepeat[]> {
  const args = [...command, scenario, ...flags, '--out', out];
  const { stderr } = await execa(process.execPath, args, { cwd: projectRoot, reject: false });
  const result = await readResult(out).catch(() => undefined);
  if (result?.status !== 'complete') throw new Error(`${scenario} ${flags.join(' ')} was not rehearsed:\n${stderr}`);
  return result.liveMigration!.repeats;
}

/** The repeat with the most of something is what counts. */
export function worst(repeats: readonly LiveRepeat[], of: (repeat: LiveRepeat) => number): number {
  return Math.max(...repeats.map(of));
}

/** One line of a table: what was rehearsed, and its repeats. */
export interface Felt {
  labels: readonly string[];
  repeats: readonly LiveRepeat[];
}

/** @param headings of the labels */
export function tableOfFelt(headings: readonly string[], all: readonly Felt[]): string {
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
  const rows = all.map(({ labels, repeats }) => [
    ...labels,
    describeDuration(repeats),
    `${formatMs(worst(repeats, ({ impact }) => impact.longestStallMs))} (${formatMs(worst(repeats, ({ impact }) => impact.usualStallMs))})`,
    formatMs(worst(repeats, (repeat) => stallOf(repeat, 'read'))),
    formatMs(worst(repeats, (repeat) => stallOf(repeat, 'write'))),
    describeFailed(repeats),
    (worst(repeats, ({ queue }) => queue.blockedMs) / 1000).toFixed(1),
    formatCount(worst(repeats, ({ impact }) => impact.pastLimit)),
    formatCount(worst(repeats, ({ retries }) => retries)),
  ]);
  return table([...headings, ...columns.map(toRight)], rows);
}

function describeDuration(repeats: readonly LiveRepeat[]): string {
  const longest = formatMs(worst(repeats, ({ migrationStartMs, migrationEndMs }) => migrationEndMs - migrationStartMs));
  return repeats.every(({ outcome }) => outcome === 'applied') ? longest : `${longest}, not applied`;
}

function stallOf({ impact }: LiveRepeat, access: 'read' | 'write'): number {
  return impact.stalls?.find((stall) => stall.access === access)?.longestMs ?? 0;
}

function describeFailed(repeats: readonly LiveRepeat[]): string {
  const failed = worst(repeats, ({ impact }) => impact.failed);
  const codes = [...new Set(repeats.flatMap(({ impact }) => Object.keys(impact.errors)))];
  return `${formatCount(failed)}${codes.length === 0 ? '' : ` (${codes.join(', ')})`}`;
}
