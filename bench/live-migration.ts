/**
 * What the traffic of the webhook service feels of a change, done carelessly and with care: stall, failed transactions, blocked
 * sessions, each the worst of its repeats. Every change is rehearsed at the full rate on fresh clones (`pgrehearse rehearse`).
 */
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import type { LiveRepeat } from '../src/live-migration/record.ts';
import { formatCount, formatMs } from '../src/report/format.ts';
import { table, toRight } from '../src/report/markdown-text.ts';
import { readResult } from '../src/result-file.ts';
import { temporaryFolder } from '../test/integration/postgres.ts';
import type { BenchResult } from './main.ts';
import { shows, type Show } from './shows/changes.ts';
import { writeShow } from './shows/project.ts';

const projectRoot = resolve(import.meta.dirname, '..');

const full = ['--repeats', '3', '--before', '20s', '--after', '20s'];
const small = ['--repeats', '1', '--before', '2s', '--after', '2s', '--rate', '100'];

/** A show and its repeats. */
interface Shown {
  show: Show;
  repeats: readonly LiveRepeat[];
}

export async function run({ quick, scale }: { quick: boolean; scale: number | undefined }): Promise<BenchResult> {
  await using folder = await temporaryFolder();
  const flags = [...(quick ? small : full), '--scale', String(scale ?? (quick ? 0.01 : 1))];
  const all: Shown[] = [];
  for (const [at, show] of shows.entries()) {
    console.error(`${at + 1} of ${shows.length}: ${show.theme}, ${show.way}`);
    all.push({ show, repeats: await rehearse(show, join(folder.path, String(at)), flags) });
  }
  const figures = all.flatMap(({ show, repeats }) =>
    figuresOf(repeats).map(([name, value]) => [nameOf(show, name), value]),
  );
  return { ratios: ratiosOf(all), figures: Object.fromEntries(figures), markdown: tableOf(all) };
}

/** @throws Error with what the command said when it did not come to its repeats */
async function rehearse(show: Show, folder: string, flags: readonly string[]): Promise<readonly LiveRepeat[]> {
  const scenario = await writeShow(folder, show);
  const out = join(folder, 'run');
  const cli = ['--conditions=pgrehearse-source', '--no-warnings', join(projectRoot, 'src/cli/main.ts')];
  const args = [...cli, 'rehearse', scenario, ...flags, ...(show.flags ?? []), '--out', out];
  const { stderr } = await execa(process.execPath, args, { cwd: projectRoot, reject: false });
  const result = await readResult(out).catch(() => undefined);
  if (result?.status !== 'complete') throw new Error(`"${show.way}" was not rehearsed:\n${stderr}`);
  return result.liveMigration!.repeats;
}

/** The repeat with the most of something is what counts. */
function worst(repeats: readonly LiveRepeat[], of: (repeat: LiveRepeat) => number): number {
  return Math.max(...repeats.map(of));
}

function figuresOf(repeats: readonly LiveRepeat[]): [name: string, value: number][] {
  return [
    ['stall ms', worst(repeats, ({ impact }) => impact.longestStallMs)],
    ['failed transactions', worst(repeats, ({ impact }) => impact.failed)],
    ['blocked backend-seconds', worst(repeats, ({ queue }) => queue.blockedMs) / 1000],
  ];
}

function nameOf({ theme, way }: Show, figure: string): string {
  return `${theme}, ${way}: ${figure}`;
}

/** How much longer the first way of a theme stalls than the next. */
function ratiosOf(all: readonly Shown[]): Record<string, number> {
  const pairs = all.slice(1).map((next, at) => [all[at]!, next] as const);
  const stallOf = ({ repeats }: Shown): number => worst(repeats, ({ impact }) => impact.longestStallMs);
  return Object.fromEntries(
    pairs
      .filter(([one, other]) => one.show.theme === other.show.theme)
      .map(([one, other]) => [`${one.show.theme}: stall, careless / with care`, stallOf(one) / stallOf(other)]),
  );
}

function tableOf(all: readonly Shown[]): string {
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
  const rows = all.map(({ show, repeats }) => [
    show.theme,
    show.way,
    describeDuration(repeats),
    `${formatMs(worst(repeats, ({ impact }) => impact.longestStallMs))} (${formatMs(worst(repeats, ({ impact }) => impact.usualStallMs))})`,
    formatMs(worst(repeats, (repeat) => stallOf(repeat, 'read'))),
    formatMs(worst(repeats, (repeat) => stallOf(repeat, 'write'))),
    describeFailed(repeats),
    (worst(repeats, ({ queue }) => queue.blockedMs) / 1000).toFixed(1),
    formatCount(worst(repeats, ({ impact }) => impact.pastLimit)),
    formatCount(worst(repeats, ({ retries }) => retries)),
  ]);
  return table(['Change', 'Way', ...columns.map(toRight)], rows);
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
