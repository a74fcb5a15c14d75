import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { withClient } from '../../src/database.ts';
import { runBlock } from '../../src/load/engine.ts';
import { defaultSlo } from '../../src/scenario.ts';
import type { ConnectionTarget } from '../../src/server/server.ts';
import { createAccounts, fillAccounts } from './accounts.ts';
import { startTestServer } from './postgres.ts';

const perSecond = 100;
const stallMs = 1000;
const connections = 4;

/** Stops all backends of the load as a stalled disk or a stopped virtual machine would. */
async function stall(target: ConnectionTarget): Promise<void> {
  const pids = await withClient(target, async (client) => {
    const { rows } = await client.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgrehearse load'",
    );
    return rows.map(({ pid }) => pid);
  });
  expect(pids).toHaveLength(connections);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await sleep(stallMs);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
}

it('shows a second of stall as the hundred transactions that were due in it, not as the few that were under way', async () => {
  await using server = await startTestServer();
  await using folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-stall-'));
  const connection = server.connection();
  await withClient(connection, async (client) => {
    await createAccounts(client);
    await fillAccounts(client);
  });
  let stalled: Promise<void> | undefined;
  const { counts, missed, total } = await runBlock({
    scenarioFile: fileURLToPath(new URL('./load-scenario.ts', import.meta.url)),
    stage: 'before',
    id: 'stall',
    blockNumber: 0,
    connection,
    seed: 1,
    scale: 1,
    load: {
      ratePerSecond: perSecond,
      arrivals: 'constant',
      durationMs: 4000,
      warmupMs: 0,
      connections,
      statementTimeoutMs: 10_000,
    },
    slo: defaultSlo,
    samplesPath: join(folder.path, 'stall.bin'),
    minimumMs: 4000,
    onProgress: ({ elapsedMs }) => {
      if (elapsedMs > 500) stalled ??= stall(connection);
    },
  });
  await stalled;
  expect(counts).toMatchObject({ scheduled: 400, succeeded: 400 });
  // Whatever was due more than the limit before the end of the stall waited for longer than the limit.
  expect(missed).toBeGreaterThanOrEqual(((stallMs - defaultSlo.limitMs) * perSecond) / 1000 - 1);
  expect(total.response.p90Us).toBeGreaterThan(defaultSlo.limitMs * 1000);
  // By the clock of the statements alone, only those under way were slow: one for each connection.
  expect(total.response.p90Us).toBeGreaterThan(total.service.p90Us);
});
