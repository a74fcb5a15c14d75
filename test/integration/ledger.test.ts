/** The ladder of the ledger workload on a small seeded database: up and down, answers, views, functions, a short load. */
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import scenario from '../../scenarios/ledger.ts';
import { createDatabase, withClient } from '../../src/database.ts';
import { checkInvariants } from '../../src/invariants.ts';
import { collectAnswers, compareAnswers, type Answers } from '../../src/load/answers.ts';
import { runBlock } from '../../src/load/engine.ts';
import { migrate, readMigrations, type Migration } from '../../src/migrate.ts';
import { roundTrip } from '../../src/migrate/round-trip.ts';
import { defaultLoad, defaultSlo } from '../../src/scenario.ts';
import { loadSeed } from '../../src/seed/load.ts';
import type { Server } from '../../src/server/server.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

const root = join(import.meta.dirname, '..', '..');
const common = { scenarioFile: join(root, 'scenarios', 'ledger.ts'), seed: 1, scale: 0.005 };
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

/** Rows of the tables that migrations derive others from, and what each account has. */
async function contents(client: Client): Promise<unknown> {
  const { rows } = await client.query(`
    SELECT (SELECT count(*) FROM journal_entries) AS entries, (SELECT count(*) FROM anchor_authorizations) AS authorizations,
           (SELECT sum(hashtext(journal_entry_id::text || account_id || line_type || amount)) FROM journal_entry_lines) AS lines`);
  return rows[0];
}

test('every migration goes up, down and up again on the seeded database and loses no row', async () => {
  await copyOf('seeded', 'round_trip');
  const connection = server.connection('round_trip');
  const before = await withClient(connection, contents);
  const records = await roundTrip(connection, migrations, { from: scenario.workload.baseline });
  expect(records.map(({ version }) => version)).toEqual(['002', '003', '004', '005', '006', '007', '008', '009']);
  expect(await withClient(connection, contents)).toEqual(before);
  await migrate(connection, migrations, { direction: 'down', to: scenario.workload.baseline });
  expect(await withClient(connection, contents)).toEqual(before);
});

test('every stage answers as the first, and its invariants hold before and after a short load', async () => {
  await using folder = await temporaryFolder();
  await copyOf('seeded', 'ladder');
  const ladder = server.connection('ladder');
  let first: Answers | undefined;
  for (const { name: stage, migrations: version } of scenario.stages) {
    await migrate(ladder, migrations, version === 'latest' ? {} : { to: version });
    const answers = await collectAnswers({ ...common, stage, connection: ladder, setsPerTransaction: 100 });
    first ??= answers;
    const differ = Object.keys(scenario.stages.find(({ name }) => name === stage)?.answersDiffer ?? {});
    for (const { transaction, different, unanswered, example } of compareAnswers(first, answers)) {
      if (differ.includes(transaction)) continue;
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
    });
    const { scheduled, succeeded } = block.counts;
    expect({ stage, succeeded, errors: block.transactions.map(({ errors }) => errors) }).toMatchObject({
      succeeded: scheduled,
    });
    const outcomes = [
      ...(await checkInvariants(invariants, { ...when, connection: ladder, when: 'seeded' })),
      ...(await checkInvariants(invariants, { ...when, when: 'loaded' })),
    ];
    expect(outcomes.filter(({ holds }) => !holds)).toEqual([]);
  }
});

test('every view can be read and the function called; pending entries are posted, unbalanced ones refused', async () => {
  await copyOf('seeded', 'objects');
  const connection = server.connection('objects');
  await migrate(connection, migrations);
  await withClient(connection, async (client) => {
    const names = async (sql: string) => (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
    const views = await names(`SELECT viewname FROM pg_views WHERE schemaname = 'public' AND viewname LIKE 'v\\_%'
                               UNION SELECT matviewname FROM pg_matviews ORDER BY 1`);
    expect(views).toContain('v_index_usage');
    for (const view of views) await client.query(`SELECT * FROM ${view} LIMIT 1`);
    await client.query('REFRESH MATERIALIZED VIEW CONCURRENTLY mv_account_balances_current');
    await client.query('REFRESH MATERIALIZED VIEW CONCURRENTLY mv_account_balances_optimized');
    expect(await names('SELECT get_account_balance_fast(1000)')).toEqual(
      await names('SELECT net FROM account_totals WHERE account_id = 1000'),
    );
    await client.query(`UPDATE journal_entries SET status = 'Posted' WHERE status = 'Pending'`);
    expect(await names(invariants.totals_are_sums!.sql)).toEqual([]);
    await expect(client.query(`UPDATE journal_entries SET status = 'Pending'`)).rejects.toThrow(/cannot change/);

    const line = `INSERT INTO journal_entry_lines (journal_entry_id, account_id, line_type, amount, line_number)
                  SELECT id, 1000, 'DEBIT', 5, 9 FROM journal_entries LIMIT 1`;
    await expect(client.query(line)).rejects.toThrow(/out of balance by 5/);
  });
});
