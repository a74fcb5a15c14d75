/** `pgrehearse http` with a service and a database of ours for each stage. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunResult } from '../../src/result.ts';
import { withClient } from '../../src/database.ts';
import type { LocalServer } from '../../src/server/server.ts';
import { pgrehearse } from './command.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

const shop = 'test/fixtures/shop-http.ts';
let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let cache: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  cache = join(temporary.path, 'cache');
});
afterAll(() => temporary[Symbol.asyncDispose]());

async function load(name: string, ...flags: string[]) {
  const out = join(temporary.path, name);
  const { exitCode, stderr } = await pgrehearse(['http', shop, '--out', out, ...flags], cache);
  const result = JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as RunResult;
  return { exitCode, stderr, result, report: await readFile(join(out, 'report.md'), 'utf8') };
}

describe('a service in front of a database of ours', () => {
  it('finds the database of its stage, migrated, and leaves the rows that its requests made', async () => {
    const { exitCode, result, report } = await load('alone', '--preset', 'none');
    expect([3, 4]).toContain(exitCode);
    expect(result.stages.map(({ name, migrations }) => [name, migrations])).toEqual([
      ['before', '001'],
      ['after', '002'],
    ]);
    for (const { counts } of result.blocks) expect(counts.succeeded).toBe(counts.scheduled);
    expect(result.answers).toMatchObject([
      { transaction: 'customer_orders', stage: 'after', compared: 200, different: 0 },
    ]);
    expect(result.invariants.map(({ stage, when, holds }) => [stage, when, holds])).toEqual([
      ['before', 'seeded', true],
      ['before', 'loaded', true],
      ['after', 'seeded', true],
      ['after', 'loaded', true],
    ]);
    // Inserted by the service under load, warm-up included.
    const visits = result.evidence!.map(({ tables }) => tables.find(({ table }) => table === 'visits')!.inserted);
    const sent = result.blocks.map(({ transactions }) => transactions.find(({ name }) => name === 'visit')!.sent);
    expect(visits).toEqual(sent);
    expect(report).toContain('test/fixtures/shop-service.ts');
  });

  it('compares the first stage with the last in pairs of blocks, each side with a service of its own', async () => {
    const { result } = await load('pairs', '--pairs', '12', '--block', '1s');
    const { comparison, verdict } = result;
    expect(comparison!.pairs).toHaveLength(12 + 6);
    for (const { blocks } of comparison!.pairs) {
      expect(blocks.map(({ scheduled }) => scheduled)).toEqual([blocks[0]!.scheduled, blocks[0]!.scheduled]);
    }
    expect(verdict!.gates.map(({ name }) => name)).toContain('typical-p95');
  });
});

/** Resolves when the service has written so many rows into the one database that a run has on the server. */
async function untilVisited(server: LocalServer, visits: number): Promise<void> {
  const count = async (): Promise<number> => {
    const [run] = await rowsOf(
      server,
      'postgres',
      `SELECT datname FROM pg_database WHERE datname LIKE 'pgrehearse_run_%'`,
    );
    const [counted] = await rowsOf(server, String(run!['datname']), 'SELECT count(*)::int AS visits FROM visits');
    return Number(counted!['visits']);
  };
  await vi.waitFor(async () => expect(await count()).toBeGreaterThan(visits), { timeout: 60_000, interval: 100 });
}

const rowsOf = (server: LocalServer, database: string, sql: string) =>
  withClient(server.connection(database), async (client) => (await client.query<Record<string, unknown>>(sql)).rows);

describe('a PostgreSQL that is restarted in mid-run', () => {
  it('costs errors, which are counted, and the time to recover, which is told', async () => {
    await using server = await startTestServer();
    const { host, port, user, password } = server.loopbackConnection('postgres');
    const url = `postgres://${user}:${encodeURIComponent(password!)}@${host}:${port}/postgres`;
    // Our own looks at the server are sessions of others, as a production server has them.
    const flags = ['--stages', 'after', '--preset', 'none', '--allow-production', '--server', url];
    // So many that also a quick restart costs some dozens.
    const loaded = load('restarted', ...flags, '--rate', '400', '--duration', '6s');
    await untilVisited(server, 200);
    await server.restart();
    const { result, report } = await loaded;
    expect(result.status).toBe('complete');
    const [{ counts, outages, outcome }] = result.blocks as [RunResult['blocks'][number]];
    expect(outcome).toBe('complete');
    expect(counts.succeeded + counts.failed + counts.timedOut + counts.unfinished).toBe(counts.scheduled);
    expect(counts.failed).toBeGreaterThan(0);
    expect(outages).toMatchObject([{ failed: counts.failed + counts.timedOut, recovered: true }]);
    expect(report).toMatch(/from [\d.]+ m?s on, \d+ of \d+ failed; recovered after [\d.]+ m?s/);
    expect(result.warnings.map(({ code }) => code)).toContain('observation-lost');
    expect(result.invariants.map(({ when, holds }) => [when, holds])).toEqual([
      ['seeded', true],
      ['loaded', true],
    ]);
    // Only what was there before: the run has dropped its own database over a connection of after the restart.
    expect(await rowsOf(server, 'postgres', `SELECT FROM pg_database WHERE datname LIKE 'pgrehearse_run_%'`)).toEqual(
      [],
    );
  });
});
