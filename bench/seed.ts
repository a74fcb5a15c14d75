/** Seeding beside psql, on one server in one run, taking turns: the largest table alone, and all of webhooks with its indexes. */
import { join } from 'node:path';
import { startEmbedded } from '../src/server/embedded.ts';
import { describeHost } from '../src/server/host.ts';
import { seedingSettings } from '../src/server/profiles.ts';
import { temporaryFolder } from '../test/integration/postgres.ts';
import type { BenchResult } from './main.ts';
import { compareOneTable } from './seed/one-table.ts';
import { findPsql } from './seed/psql.ts';
import { bindWebhooks, type Bench } from './seed/side.ts';
import { compareWhole } from './seed/whole.ts';

export async function run({ quick, scale }: { quick: boolean; scale: number | undefined }): Promise<BenchResult> {
  const choice = { seed: 1, scale: scale ?? (quick ? 0.05 : 1) };
  await using folder = await temporaryFolder();
  await using server = await startEmbedded({
    dataDir: join(folder.path, 'data'),
    cacheDir: join(folder.path, 'cache'),
    settings: seedingSettings(describeHost()),
    scratch: true,
  });
  const bench: Bench = {
    server,
    choice,
    seed: await bindWebhooks(choice),
    folder: folder.path,
    psql: await findPsql(),
    turns: quick ? 1 : 3,
  };
  const parts = [await compareOneTable(bench, 'eight'), await compareOneTable(bench, 'all'), await compareWhole(bench)];
  const peakMemory = { harnessPeakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024) };
  return {
    ratios: Object.assign({}, ...parts.map(({ ratios }) => ratios)),
    figures: Object.assign({ scale: choice.scale }, ...parts.map(({ figures }) => figures), peakMemory),
  };
}
