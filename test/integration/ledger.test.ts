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
  expect(records.map(({ version }) => version)).toEqual(
    Array.from({ length: 12 }, (_, index) => String(index + 2).padStart(3, '0')),
  );
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
    const answers = await collectAnswers({ ...common, stage, connection: ladder, setsPerTransaction: 30 });
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

test('entries are pruned to the months asked for; missing months are attached once, where the function of the document fails', async () => {
  await copyOf('seeded', 'months');
  const connection = server.connection('months');
  await migrate(connection, migrations, { to: '008' });
  await withClient(connection, async (client) => {
    const column = async (sql: string) => (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
    const plan = await column(
      `EXPLAIN (COSTS OFF) SELECT * FROM journal_entries WHERE date >= '2026-10-02' ORDER BY created_at DESC LIMIT 100`,
    );
    expect(new Set(plan.join('\n').match(/journal_entries_(\d{4}_\d{2}|default)\b/g))).toEqual(
      new Set(['journal_entries_2026_10', 'journal_entries_2026_11', 'journal_entries_default']),
    );

    const ensure = `SELECT ensure_monthly_partitions('journal_entries', '2026-10-15', '2027-01-20')`;
    expect([await column(ensure), await column(ensure)]).toEqual([[2], [0]]);
    await client.query(`SELECT create_monthly_partition('journal_entries', '2027-02-01')`);
    await expect(client.query(`SELECT create_monthly_partition('journal_entries', '2027-02-01')`)).rejects.toThrow(
      /already exists/,
    );

    const [id] = await column(`SELECT id FROM journal_entries WHERE status = 'Posted' LIMIT 1`);
    const twice = `INSERT INTO journal_entries (journal_id, date, description, source)
                   SELECT journal_id, date + 40, 'again', source FROM journal_entries WHERE id = '${id}'`;
    await expect(client.query(twice)).rejects.toThrow(/journal_entry_keys_journal_id_key/);
    await expect(client.query(`UPDATE journal_entries SET date = date - 40 WHERE id = '${id}'`)).rejects.toThrow(
      /cannot change/,
    );
    await client.query(`DELETE FROM account_balance_events WHERE journal_entry_id = '${id}'`);
    await client.query(`DELETE FROM journal_entries WHERE id = '${id}'`);
    expect(await column(`SELECT count(*)::integer FROM journal_entry_lines WHERE journal_entry_id = '${id}'`)).toEqual([
      0,
    ]);
  });
});

test('a page of the search is the newest of what the unbounded search finds', async () => {
  await copyOf('seeded', 'pages');
  const connection = server.connection('pages');
  await migrate(connection, migrations);
  const [all, page] = [
    scenario.workload.transactions['journal_search']!,
    scenario.stages.at(-1)!.rewrites!['journal_search']!,
  ];
  await withClient(connection, async (client) => {
    const values = ['2026-10-02', 'PAYMENT'];
    const found = (await client.query(all.statements['search']!, values)).rows;
    const newest = found
      .filter(({ status }) => status === 'Posted')
      .toSorted((a, b) => b.date - a.date || (a.journal_id < b.journal_id ? 1 : -1));
    expect(newest.length).toBeGreaterThan(100);
    expect((await client.query(page.statements['search']!, values)).rows).toEqual(newest.slice(0, 100));
  });
});

test('obligations follow what is settled, many authorizations at once and across partitions of status', async () => {
  await copyOf('seeded', 'settled');
  const connection = server.connection('settled');
  for (const version of ['005', '008', '009']) {
    await migrate(connection, migrations, { to: version });
    await withClient(connection, async (client) => {
      const { rowCount } = await client.query(`
        UPDATE anchor_authorizations SET status = 'EXPIRED', expired_at = expires_at
         WHERE id IN (SELECT id FROM anchor_authorizations WHERE status = 'AUTHORIZED' ORDER BY id LIMIT 20)`);
      expect({ version, rowCount }).toEqual({ version, rowCount: 20 });
      expect((await client.query(invariants.obligations_add_up!.sql)).rows).toEqual([]);
    });
  }
});

test('the rows of entries and events that are posted in the transition are counted once', async () => {
  await copyOf('seeded', 'transition');
  const connection = server.connection('transition');
  const post = `WITH entry AS (INSERT INTO journal_entries (journal_id, date, description, source, status)
                               VALUES ('JE-T-' || gen_random_uuid(), '2026-10-31', 'in transition', 'AR', $1) RETURNING id)
                SELECT id FROM entry`;
  const book = `INSERT INTO journal_entry_lines (journal_entry_id, account_id, line_type, amount, line_number)
                VALUES ($1, 1000, 'DEBIT', 5, 1), ($1, 2100, 'CREDIT', 5, 2)`;
  const holds = async (name: string) => {
    const found = await withClient(connection, (client) => client.query(invariants[name]!.sql));
    expect({ name, violations: found.rows }).toEqual({ name, violations: [] });
  };
  for (const version of ['004', '006', '008', '010']) {
    await migrate(connection, migrations, { to: version });
    await withClient(connection, async (client) => {
      for (const status of ['Posted', 'Pending']) {
        const { rows } = await client.query(post, [status]);
        await client.query(book, [rows[0].id]);
      }
      await client.query(
        `UPDATE journal_entries SET status = 'Posted' WHERE status = 'Pending' AND journal_id LIKE 'JE-T-%'`,
      );
    });
    if (version !== '010') await holds('events_are_lines');
  }
  await migrate(connection, migrations);
  await holds('totals_are_sums');
  await holds('keys_are_entries');
  await migrate(connection, migrations, { direction: 'down', to: '008' });
  await holds('events_are_lines');
  await migrate(connection, migrations, { direction: 'down', to: '004' });
  await holds('events_are_lines');
  await migrate(connection, migrations);
  await holds('totals_are_sums');
});
