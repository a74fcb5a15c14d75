/** A pool that opens connections when they are needed, closes idle ones, and lets arrivals give up. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LoadSession } from '../../src/load/engine.ts';
import { defaultLoad, defaultSlo, type PoolSpec } from '../../src/scenario.ts';
import type { Server } from '../../src/server/server.ts';
import { createAccounts, fillAccounts } from './accounts.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

let server: Server;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let control: Client;

beforeAll(async () => {
  server = await startTestServer();
  folder = await temporaryFolder();
  control = new Client(server.connection());
  await control.connect();
  await createAccounts(control);
  await fillAccounts(control);
});

afterAll(async () => {
  await control?.end();
  await server?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

const load = { ...defaultLoad, ratePerSecond: 20, warmupMs: 0, connections: 6 };

const openSession = (stage: string, pool: PoolSpec, workers = 1) =>
  LoadSession.open({
    scenarioFile: fileURLToPath(new URL('./load-scenario.ts', import.meta.url)),
    stage,
    connection: server.connection(),
    seed: 1,
    scale: 1,
    load: { ...load, pool },
    workers,
  });

const blockOf = (session: LoadSession, durationMs: number) =>
  session.runBlock({
    id: 'pool',
    blockNumber: 0,
    load: { ...load, durationMs },
    slo: defaultSlo,
    samplesPath: join(folder.path, 'pool.bin'),
  });

async function connectionsOfTheLoad(): Promise<number> {
  const { rows } = await control.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'pgrehearse load'`,
  );
  return rows[0]!.count;
}

it('opens what is needed, and closes it when nobody needs it any more', async () => {
  // Each read takes a second.
  await using session = await openSession('slow', { min: 1, idleTimeoutMs: 200 });
  expect(await connectionsOfTheLoad()).toBe(1);
  const { pool, counts } = await blockOf(session, 1000);
  expect(counts.succeeded).toBe(counts.scheduled);
  expect(pool).toMatchObject({ max: 6, min: 1, opened: 5, busiest: 6, timedOut: 0 });
  expect(pool!.exhausted).toBeGreaterThan(0);
  // The first to be idle were closed while others were still at work.
  expect(await connectionsOfTheLoad()).toBeLessThan(6);
  const again = await blockOf(session, 1000);
  expect(again.pool!.opened).toBe(5);
});

it('lets arrivals give up that get no connection in time, and counts them as failed', async () => {
  await using session = await openSession('slow', { connectionTimeoutMs: 100 }, 2);
  expect(await connectionsOfTheLoad()).toBe(6);
  const { pool, counts, transactions, total } = await blockOf(session, 1500);
  const failed = transactions.map(({ errors }) => errors['POOL_TIMEOUT']?.count ?? 0).reduce((a, b) => a + b);
  expect(failed).toBeGreaterThan(0);
  expect(pool).toMatchObject({ timedOut: failed, opened: 0 });
  expect(counts).toMatchObject({ failed, timedOut: 0, unfinished: 0 });
  expect(transactions[0]!.errors['POOL_TIMEOUT']!.example).toBe('no connection within 100 ms');
  expect(total.service.count).toBe(counts.scheduled - failed);
});
