/**
 * What the traffic of the webhook service feels of a change, done carelessly and with care: stall, failed transactions, blocked
 * sessions, each the worst of its repeats. Every change is rehearsed at the full rate on fresh clones (`pgrehearse rehearse`).
 */
import { join } from 'node:path';
import { temporaryFolder } from '../test/integration/postgres.ts';
import type { BenchOptions, BenchResult } from './main.ts';
import { shows, type Show } from './shows/changes.ts';
import { writeShow } from './shows/project.ts';
import { feltTable } from '../src/report/markdown-rehearsed.ts';
import { rehearse, type Felt } from './shows/rehearse.ts';

const full = ['--repeats', '3', '--before', '20s', '--after', '20s'];
const small = ['--repeats', '1', '--before', '2s', '--after', '2s', '--rate', '100'];

export async function run({ quick, scale, out }: BenchOptions): Promise<BenchResult> {
  await using folder = await temporaryFolder();
  const flags = [...(quick ? small : full), '--scale', String(scale ?? (quick ? 0.01 : 1))];
  const all: Felt[] = [];
  for (const [at, show] of shows.entries()) {
    console.error(`${at + 1} of ${shows.length}: ${show.theme}, ${show.way}`);
    const place = join(folder.path, String(at));
    const scenario = await writeShow(place, show);
    const kept = join(out ?? place, `run-${at + 1}`);
    const felt = await rehearse(scenario, [...flags, ...(show.flags ?? [])], kept);
    all.push({ labels: [show.theme, show.way], felt });
  }
  return {
    ratios: Object.fromEntries(
      shows.slice(1).flatMap((next, at) => ratioOf([shows[at]!, next], [all[at]!, all[at + 1]!])),
    ),
    figures: Object.fromEntries(all.flatMap(figuresOf)),
    markdown: feltTable(['Change', 'Way'], all),
  };
}

function figuresOf({ labels, felt }: Felt): [name: string, value: number][] {
  const name = (figure: string): string => `${labels.join(', ')}: ${figure}`;
  return [
    [name('stall ms'), felt.longestStallMs],
    [name('failed transactions'), felt.failed],
    [name('blocked backend-seconds'), felt.blockedMs / 1000],
  ];
}

/** How much longer the first way of a theme stalls than the next. */
function ratioOf([one, other]: [Show, Show], [{ felt }, next]: [Felt, Felt]): [name: string, ratio: number][] {
  if (one.theme !== other.theme) return [];
  return [[`${one.theme}: stall, careless / with care`, felt.longestStallMs / next.felt.longestStallMs]];
}
