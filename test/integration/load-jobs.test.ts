import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runBlock } from '../../src/load/engine.ts';
import type { BlockOptions } from '../../src/load/engine.ts';
import { defaultSlo } from '../../src/scenario.ts';
import type { Server } from '../../src/server/server.ts';
import { createAccounts, fillAccounts } from './accounts.ts';
import { startTestServer } from './postgres.ts';

let server: Server;
let folder: string;
let control: Client;

beforeAll(async () => {
  server = await startTestServer();
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-jobs-'));
  control = new Client(server.connection());
  await control.connect();
  await createAccounts(control);
  await fillAccounts(control);
});

afterAll(async () => {
  await control?.end();
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const block = (changes: Partial<BlockOptions> = {}): BlockOptions => ({
  scenarioFile: fileURLToPath(new URL('./load-scenario.ts', import.meta.url)),
  stage: 'before',
  id: 'block-1',
  blockNumber: 0,
  connection: server.connection(),
  seed: 1,
  scale: 1,
  load: {
    ratePerSecond: 200,
    arrivals: 'poisson',
    durationMs: 1500,
    warmupMs: 500,
    connections: 4,
    statementTimeoutMs: 3000,
  },
  slo: defaultSlo,
  samplesPath: join(folder, 'block-1.bin'),
  ...changes,
});

describe('background jobs', () => {
  it('run beside the load on their own connection, each statement by itself, and are kept with their errors', async () => {
    const jobs = {
      tidy: {
        description: 'vacuum, which no transaction allows',
        everyMs: 400,
        firstMs: 100,
        statements: [
          'VACUUM accounts',
          "INSERT INTO accounts SELECT max(id) + 1, 0, current_setting('application_name') FROM accounts",
        ],
      },
      broken: { description: 'fails', everyMs: 1000, statements: ['SELECT 1 / 0'] },
      impatient: { description: 'too slow', everyMs: 1500, statements: ['SELECT pg_sleep(9)'], timeoutMs: 100 },
      endless: { description: 'never overlaps itself', everyMs: 300, statements: ['SELECT pg_sleep(99)'] },
    };
    const measured = await runBlock(block({ jobs }));
    const { scheduled, succeeded } = measured.counts;
    expect(succeeded).toBe(scheduled);
    expect(measured.outcome).toBe('complete');
    const runs = (name: string) => measured.jobs!.filter((job) => job.name === name);
    const { rows } = await control.query("SELECT 1 FROM accounts WHERE name = 'pgrehearse job tidy'");
    expect(rows.length).toBeGreaterThan(1);
    expect(runs('tidy').filter((job) => job.error === undefined && job.cutOff === undefined)).toHaveLength(rows.length);
    // Due 100 ms after the start of a warm-up of 500 ms.
    expect(runs('tidy')[0]!.startedMs).toBeGreaterThanOrEqual(-401);
    expect(runs('broken')[0]!.error).toBe('division by zero');
    expect(runs('impatient')[0]!.error).toContain('statement timeout');
    expect(runs('endless')).toMatchObject([{ cutOff: true }]);
    const left = await control.query("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'pgrehearse job%'");
    expect(left.rows).toEqual([]);
  });

  it('connect again when the server has closed their connection', async () => {
    await control.query('DROP TABLE IF EXISTS job_runs; CREATE TABLE job_runs (backend int)');
    const statements = [
      'INSERT INTO job_runs VALUES (pg_backend_pid())',
      'SELECT pg_terminate_backend(pg_backend_pid())',
    ];
    const jobs = { mortal: { description: 'ends its own connection', everyMs: 300, statements } };
    const measured = await runBlock(block({ jobs }));
    const { rows } = await control.query('SELECT backend FROM job_runs');
    // The last run may have been under way when the block ended.
    const whole = measured.jobs!.filter(({ cutOff }) => cutOff === undefined);
    expect(whole.length).toBeGreaterThan(1);
    expect([whole.length, measured.jobs!.length]).toContain(rows.length);
    for (const { error } of whole) expect(error).toMatch(/terminat/i);
  });

  it('are none where none is declared', async () => {
    expect(await runBlock(block())).not.toHaveProperty('jobs');
  });
});
