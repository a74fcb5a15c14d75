/**
 * Seeding beside psql in one run, taking turns: the largest table alone, on one server; and all of webhooks with its indexes, psql once on the
 * same server, which gave up durability for loading, and once on one with PostgreSQL's own settings, as psql finds it.
 */
import { join } from 'node:path';
import { startEmbedded, type EmbeddedOptions } from '../src/server/embedded.ts';
import { describeHost } from '../src/server/host.ts';
import { seedingSettings } from '../src/server/profiles.ts';
import { temporaryFolder } from '../test/integration/postgres.ts';
import type { Server } from '../src/server/server.ts';
import type { BenchResult } from './main.ts';
import { compareOneTable } from './seed/one-table.ts';
import { findPsql } from './seed/psql.ts';
import { bindWebhooks, type Bench } from './seed/side.ts';
import { compareWhole } from './seed/whole.ts';

export async function run({ quick, scale }: { quick: boolean; scale: number | undefined }): Promise<BenchResult> {
  const choice = { seed: 1, scale: scale ?? (quick ? 0.05 : 1) };
  await using folder = await temporaryFolder();
  const start = (name: string, options: Pick<EmbeddedOptions, 'settings' | 'largePages'>): Promise<Server> =>
    startEmbedded({
      dataDir: join(folder.path, name),
      cacheDir: join(folder.path, 'cache'),
      scratch: true,
      ...options,
    });
  const settings = seedingSettings(describeHost(), { major: 18 });
  await using server = await start('data', { settings, largePages: true });
  await using ordinary = await start('ordinary', { settings: {} });
  const bench: Bench = {
    server,
    ordinary,
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
