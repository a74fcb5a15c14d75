/** The ladder of the webhooks workload on a small seeded database: up and down, answers, views, functions, jobs, a short load. */
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import scenario from '../../scenarios/webhooks.ts';
import { createDatabase, withClient } from '../../src/database.ts';
import { checkInvariants } from '../../src/invariants.ts';
import { collectAnswers, compareAnswers, type Answers } from '../../src/load/answers.ts';
import { runBlock } from '../../src/load/engine.ts';
import { migrate, readMigrations, type Migration } from '../../src/migrate.ts';
import { roundTrip } from '../../src/migrate/round-trip.ts';
import { takeReadings } from '../../src/readings.ts';
import { defaultLoad, defaultSlo } from '../../src/scenario.ts';
import { loadSeed } from '../../src/seed/load.ts';
import type { Server } from '../../src/server/server.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

const root = join(import.meta.dirname, '..', '..');
const common = { scenarioFile: join(root, 'scenarios', 'webhooks.ts'), seed: 1, scale: 0.002 };
const { invariants, readings } = scenario.workload;

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

/** Rows of the two large tables, with a digest of the columns that they had in the beginning. */
async function contents(client: Client): Promise<unknown> {
  const { rows } = await client.query(`
    SELECT (SELECT sum(hashtext(id::text || transaction_hash || ingested_at)) FROM events) AS events,
           (SELECT sum(hashtext(id::text || event_id || endpoint_id || attempted_at || coalesce(duration_ms, 0)))
              FROM delivery_attempts) AS attempts`);
  return rows[0];
}

test('every migration goes up, down and up again on the seeded database and loses no row', async () => {
  await copyOf('seeded', 'round_trip');
  const connection = server.connection('round_trip');
  const before = await withClient(connection, contents);
  const records = await roundTrip(connection, migrations, { from: scenario.workload.baseline });
  expect(records.map(({ version }) => version)).toEqual(migrations.slice(1).map(({ version }) => version));
  expect(await withClient(connection, contents)).toEqual(before);
  await migrate(connection, migrations, { direction: 'down', to: scenario.workload.baseline });
  expect(await withClient(connection, contents)).toEqual(before);
});

test('every stage answers as the first where it says so, and works under load with its job', async () => {
  await using folder = await temporaryFolder();
  await copyOf('seeded', 'ladder');
  const ladder = server.connection('ladder');
  let first: Answers | undefined;
  for (const { name: stage, migrations: version, answersDiffer = {}, jobs = {} } of scenario.stages) {
    await migrate(ladder, migrations, version === 'latest' ? {} : { to: version });
    const answers = await collectAnswers({ ...common, stage, connection: ladder, setsPerTransaction: 25 });
    first ??= answers;
    const outcomes = compareAnswers(first, answers, answersDiffer);
    for (const { transaction, different, unanswered, example } of outcomes) {
      expect({ stage, transaction, different, unanswered, example }).toMatchObject({ different: 0, unanswered: 0 });
    }
    const texts = Object.values(answers.transactions).flatMap((sets) =>
      sets.flatMap((answer) => (answer.status === 'answered' ? [answer.text] : [])),
    );
    expect(texts.filter((text) => text.startsWith('error'))).toEqual([]);

    const database = `load_${stage.replaceAll('-', '_')}`;
    await copyOf('ladder', database);
    const connection = server.connection(database);
    const block = await runBlock({
      ...common,
      stage,
      connection,
      id: stage,
      blockNumber: 1,
      load: { ...defaultLoad, ratePerSecond: 100, durationMs: 1_000, warmupMs: 100, connections: 4 },
      slo: defaultSlo,
      samplesPath: join(folder.path, `${stage}.bin`),
      jobs: Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, { ...job, firstMs: 300 }])),
    });
    const { scheduled, succeeded } = block.counts;
    expect({ stage, succeeded, errors: block.transactions.map(({ errors }) => errors) }).toMatchObject({
      succeeded: scheduled,
    });
    const runs = block.jobs ?? [];
    expect({ stage, runs: runs.map(({ name, error }) => ({ name, error })) }).toEqual({
      stage,
      runs: Object.keys(jobs).map((name) => ({ name, error: undefined })),
    });
    const checked = [
      ...(await checkInvariants(invariants!, { stage, connection: ladder, when: 'seeded' })),
      ...(await checkInvariants(invariants!, { stage, connection, when: 'loaded' })),
    ];
    expect(checked.filter(({ holds }) => !holds)).toEqual([]);
    const taken = await takeReadings(readings!, { stage, connection });
    expect(taken.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(taken.length).toBeGreaterThan(0);
  }
});

test('pages by key list every event of the whale once, and no other', async () => {
  await copyOf('seeded', 'pages');
  const connection = server.connection('pages');
  for (const stage of scenario.stages.filter(({ answersDiffer }) => answersDiffer?.['event_list'] !== undefined)) {
    await migrate(connection, migrations, stage.migrations === 'latest' ? {} : { to: stage.migrations });
    const listed = await withClient(connection, async (client) => {
      const whale = await client.query<{ user_id: string }>(
        'SELECT user_id FROM delivery_attempts GROUP BY 1 ORDER BY count(*) DESC LIMIT 1',
      );
      const { user_id: userId } = whale.rows[0]!;
      const { page } = stage.rewrites!['event_list']!.statements;
      const seen: string[] = [];
      let key: unknown[] = ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
      for (;;) {
        const { rows } = await client.query({ text: page!, values: [userId, ...key] });
        if (rows.length === 0) break;
        seen.push(...rows.map(({ id }) => id as string));
        const end = rows.at(-1);
        // The database's own time has microseconds.
        key = [end.attempted_at ?? end.ingested_at, end.delivery_id ?? end.id];
      }
      const expected = await client.query<{ id: string }>(
        'SELECT DISTINCT event_id AS id FROM delivery_attempts WHERE user_id = $1 ORDER BY 1',
        [userId],
      );
      return { seen: seen.toSorted(), expected: expected.rows.map(({ id }) => id) };
    });
    expect(listed.seen.length).toBeGreaterThan(1000);
    expect(listed.seen).toEqual(listed.expected);
  }
});

test('every view can be read and every function called', async () => {
  await copyOf('seeded', 'objects');
  const connection = server.connection('objects');
  await migrate(connection, migrations, { to: '012' });
  await withClient(connection, async (client) => {
    const names = async (sql: string) => (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
    const views = await names(`SELECT viewname FROM pg_views WHERE schemaname = 'public' ORDER BY 1`);
    expect(views).toEqual(['slow_statements', 'table_health', 'unused_indexes']);
    for (const view of views) await client.query(`SELECT * FROM ${view}`);
    expect(await names('SELECT index_name FROM unused_indexes')).toContain('idx_events_ingested_id');
    const counted = 'SELECT sum(delivery_count) FROM user_daily_stats';
    const all = await names('SELECT count(*) FROM delivery_attempts');
    expect(await names(counted)).toEqual(all);
    await client.query('UPDATE user_daily_stats SET delivery_count = 0');
    await client.query(`SELECT refresh_user_daily_stats('-infinity')`);
    expect(await names(counted)).toEqual(all);
    const [later] = await names('SELECT count(*) FROM user_recent_stats WHERE as_of IS NULL OR event_count_24h < 1');
    expect(later).toBe('0');
  });
});
