import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runBlock } from '../../src/load/engine.ts';
import type { BlockOptions } from '../../src/load/engine.ts';
import type { Server } from '../../src/server/server.ts';
import { startTestServer } from './postgres.ts';

const scenarioFile = fileURLToPath(new URL('./load-scenario.ts', import.meta.url));

let server: Server;
let folder: string;
let control: Client;

beforeAll(async () => {
  server = await startTestServer();
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-load-'));
  control = new Client(server.connection());
  await control.connect();
  await control.query('CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL, name text)');
});

beforeEach(async () => {
  await control.query('TRUNCATE accounts');
  await control.query("INSERT INTO accounts SELECT id, 0, 'account ' || id FROM generate_series(1, 100) AS id");
});

afterAll(async () => {
  await control?.end();
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const block = (changes: Partial<BlockOptions> = {}, load: Partial<BlockOptions['load']> = {}): BlockOptions => ({
  scenarioFile,
  stage: 'before',
  id: 'block-1',
  blockNumber: 0,
  connection: server.connection(),
  seed: 1,
  scale: 1,
  load: {
    ratePerSecond: 400,
    arrivals: 'poisson',
    durationMs: 1500,
    warmupMs: 500,
    connections: 4,
    statementTimeoutMs: 3000,
    ...load,
  },
  slo: { percentile: 95, limitMs: 50 },
  samplesPath: join(folder, 'block-1.bin'),
  ...changes,
});

async function loadBackends(): Promise<number> {
  const { rows } = await control.query(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'pgrehearse load'",
  );
  return (rows[0] as { n: number }).n;
}

describe('runBlock', () => {
  it('carries out every arrival of the schedule and leaves no connection behind', async () => {
    const result = await runBlock(block());
    expect(result.outcome).toBe('complete');
    expect(result.counts.scheduled).toBeGreaterThan(500);
    expect(result.counts).toEqual({
      ...result.counts,
      succeeded: result.counts.scheduled,
      failed: 0,
      timedOut: 0,
      unfinished: 0,
    });
    const { rows } = await control.query<{ sum: string }>('SELECT sum(balance) FROM accounts');
    const transfers = result.transactions.find(({ name }) => name === 'transfer')!;
    expect(Number(rows[0]!.sum)).toBeGreaterThanOrEqual(transfers.counts.succeeded);
    expect(await loadBackends()).toBe(0);
  });
});
