/** The ladder of the sessions workload on a small seeded database: up and down, answers, views, functions, a short load. */
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import scenario from '../../scenarios/sessions.ts';
import { createDatabase, withClient } from '../../src/database.ts';
import { checkInvariants } from '../../src/invariants.ts';
import { collectAnswers, compareAnswers, type Answers } from '../../src/load/answers.ts';
import { runBlock } from '../../src/load/engine.ts';
import { migrate, readMigrations, type Migration } from '../../src/migrate.ts';
import { roundTrip } from '../../src/migrate/round-trip.ts';
import { takeReadings } from '../../src/readings.ts';
import { defaultLoad, defaultSlo, type JobSpec } from '../../src/scenario.ts';
import { loadSeed } from '../../src/seed/load.ts';
import type { Server } from '../../src/server/server.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

const root = join(import.meta.dirname, '..', '..');
const common = { scenarioFile: join(root, 'scenarios', 'sessions.ts'), seed: 1, scale: 0.005 };
const invariants = scenario.workload.invariants!;

let server: Server;
let migrations: Migration[];

beforeAll(async () => {
  server = await startTestServer({ shared_preload_libraries: 'pg_stat_statements' });
  migrations = await readMigrations(join(root, scenario.workload.migrations));
  await createDatabase(server, 'seeded');
  await migrate(server.connection('seeded'), migrations, { to: scenario.workload.baseline });
  await loadSeed({ ...common, connection: server.connection('seeded'), workers: 1 });
});
afterAll(() => server[Symbol.asyncDispose]());

const copyOf = (template: string, name: string) =>
  withClient(server.connection(), (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));

/** Rows of each baseline table, with a digest of the columns that it had in the beginning. */
async function contents(client: Client): Promise<unknown> {
  const { rows } = await client.query(`
    SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM blocks) AS blocks,
           (SELECT count(*) FROM nonces) AS nonces, (SELECT count(*) FROM reports) AS reports,
           (SELECT sum(hashtext(id || a_addr || b_addr || started_at || coalesce(ended_at::text, ''))) FROM sessions) AS sessions,
           (SELECT sum(hashtext(id || coalesce(address, '') || type || payload || ts)) FROM telemetry_events) AS telemetry`);
  return rows[0];
}

test('every migration goes up, down and up again on the seeded database and loses no row', async () => {
  await copyOf('seeded', 'round_trip');
  const connection = server.connection('round_trip');
  const before = await withClient(connection, contents);
  const records = await roundTrip(connection, migrations, { from: scenario.workload.baseline });
  expect(records.map(({ version }) => version)).toEqual(['002', '003', '004', '005', '006', '007', '008']);
  expect(await withClient(connection, contents)).toEqual(before);
  await migrate(connection, migrations, { direction: 'down', to: scenario.workload.baseline });
  expect(await withClient(connection, contents)).toEqual(before);
});

/** The same jobs, early enough for a short load. */
const soon = (jobs: Record<string, JobSpec>) =>
  Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, Object.assign({}, job, { firstMs: 100 })]));

/** What the clean-up leaves behind. */
const cleaned = (client: Client) =>
  client.query(`SELECT (SELECT count(*)::int FROM nonces WHERE expires_at < '2026-11-01') AS expired,
                       to_regclass('telemetry_events_2027_02') IS NOT NULL AS ahead`);

test('every stage answers as the first, and its invariants hold before and after a short load', async () => {
  await using folder = await temporaryFolder();
  await copyOf('seeded', 'ladder');
  const ladder = server.connection('ladder');
  let first: Answers | undefined;
  const indexes = new Map<string, number>();
  for (const { name: stage, migrations: version, jobs } of scenario.stages) {
    await migrate(ladder, migrations, version === 'latest' ? {} : { to: version });
    const answers = await collectAnswers({ ...common, stage, connection: ladder, setsPerTransaction: 100 });
    first ??= answers;
    for (const { transaction, different, unanswered, example } of compareAnswers(first, answers)) {
      expect({ stage, transaction, different, unanswered, example }).toMatchObject({ different: 0, unanswered: 0 });
    }
    const texts = Object.values(answers.transactions).flatMap((sets) =>
      sets.flatMap((answer) => (answer.status === 'answered' ? [answer.text] : [])),
    );
    expect(texts.filter((text) => text.startsWith('error'))).toEqual([]);

    const database = `load_${stage}`;
    await copyOf('ladder', database);
    const connection = server.connection(database);
    const when = { stage, connection };
    const block = await runBlock({
      ...common,
      stage,
      connection,
      id: stage,
      blockNumber: 1,
      load: { ...defaultLoad, ratePerSecond: 150, durationMs: 1_500, warmupMs: 100, connections: 4 },
      slo: defaultSlo,
      samplesPath: join(folder.path, `${stage}.bin`),
      ...(jobs === undefined ? {} : { jobs: soon(jobs) }),
    });
    const { scheduled, succeeded } = block.counts;
    expect({ stage, succeeded, errors: block.transactions.map(({ errors }) => errors) }).toMatchObject({
      succeeded: scheduled,
    });
    expect({ stage, jobs: block.jobs?.filter(({ error }) => error !== undefined) ?? [] }).toEqual({ stage, jobs: [] });
    if (jobs !== undefined) {
      expect((await withClient(connection, cleaned)).rows).toEqual([{ expired: 0, ahead: true }]);
    }
    const readings = await takeReadings(scenario.workload.readings!, when);
    expect(readings.map(({ value }) => typeof value)).toEqual(['number', 'number', 'number']);
    indexes.set(stage, readings[0]!.value!);
    const outcomes = [
      ...(await checkInvariants(invariants, { ...when, connection: ladder, when: 'seeded' })),
      ...(await checkInvariants(invariants, { ...when, when: 'loaded' })),
    ];
    expect(outcomes.filter(({ holds }) => !holds)).toEqual([]);
  }
  expect(indexes.get('indexes')! - indexes.get('pool')!).toBe(41);
  expect(indexes.get('lean')).toBeLessThan(indexes.get('monitoring')!);
});

test('every view can be read and every function called', async () => {
  await copyOf('seeded', 'objects');
  const connection = server.connection('objects');
  await migrate(connection, migrations);
  await withClient(connection, async (client) => {
    const names = async (sql: string) => (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
    const views = await names(`SELECT viewname FROM pg_views WHERE schemaname = 'public' ORDER BY 1`);
    expect(views).toEqual(['connection_states', 'database_alerts', 'index_usage', 'slow_statements', 'table_health']);
    for (const view of views) await client.query(`SELECT * FROM ${view}`);

    const [open] = await names('SELECT count(*) FROM sessions WHERE ended_at IS NULL');
    expect(Number(open)).toBeGreaterThan(0);
    const calls: Record<string, [sql: string, expected: unknown]> = {
      create_future_partitions: [`SELECT create_future_partitions('2027-06-01', 2)`, '3'],
      create_monthly_partition: [`SELECT create_monthly_partition('2027-05-15')`, ''],
      delete_expired_nonces: [`SELECT delete_expired_nonces('2026-11-01', 100)`, '100'],
      end_stale_sessions: [`SELECT end_stale_sessions('2026-11-01 04:00')`, open],
    };
    const functions = await names(`SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1`);
    expect(functions).toEqual(Object.keys(calls));
    for (const [sql, expected] of Object.values(calls)) expect([sql, ...(await names(sql))]).toEqual([sql, expected]);
    expect(
      await names(`SELECT right(inhrelid::regclass::text, 7) FROM pg_inherits
                    WHERE inhparent = 'telemetry_events'::regclass AND inhrelid::regclass::text > 'telemetry_events_2027_02'
                      AND inhrelid::regclass::text < 'telemetry_events_d' ORDER BY 1`),
    ).toEqual(['2027_05', '2027_06', '2027_07', '2027_08']);

    expect(await names('SELECT DISTINCT is_unused FROM index_usage WHERE is_unique')).toEqual([false]);
    expect(await names('SELECT index_name FROM index_usage WHERE is_unused')).toContain('idx_reports_target_created');
  });
});
