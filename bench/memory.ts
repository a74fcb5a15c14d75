/** Whether the load generator's memory stays what it is: single-row reads at 5,000 a second for ten minutes, looked at once a second. */
import { join } from 'node:path';
import { runBlock } from '../src/load/engine.ts';
import type { BenchResult } from './main.ts';
import { pointReadLoad, pointReads, withAccounts } from './peers/generators.ts';

const ratePerSecond = 5000;

interface Look {
  atMs: number;
  residentBytes: number;
}

export async function run({ quick }: { quick: boolean }): Promise<BenchResult> {
  const durationMs = quick ? 20_000 : 600_000;
  return withAccounts(async (connection, folder) => {
    const looks: Look[] = [];
    const look = (): number => looks.push({ atMs: performance.now(), residentBytes: process.memoryUsage.rss() });
    const timer = setInterval(look, 1000);
    const { counts, total } = await runBlock({
      ...pointReads,
      id: 'long',
      blockNumber: 0,
      connection,
      load: { ratePerSecond, ...pointReadLoad, durationMs, warmupMs: 1000 },
      samplesPath: join(folder, 'samples.bin'),
    });
    clearInterval(timer);
    return {
      ratios: { 'memory, last tenth / second tenth': tenth(looks, 9) / tenth(looks, 1) },
      figures: {
        'MiB, second tenth': tenth(looks, 1) / 2 ** 20,
        'MiB, last tenth': tenth(looks, 9) / 2 ** 20,
        'MiB, highest': Math.max(...looks.map(({ residentBytes }) => residentBytes)) / 2 ** 20,
        succeeded: counts.succeeded,
        'response p95 us': total.response.p95Us,
      },
    };
  });
}

/** Mean resident memory in the given tenth of the time. */
function tenth(looks: readonly Look[], number: number): number {
  const size = looks.length / 10;
  const own = looks.slice(Math.floor(number * size), Math.ceil((number + 1) * size));
  return own.reduce((sum, { residentBytes }) => sum + residentBytes, 0) / own.length;
}
