/** The ladder of the ledger workload on a small seeded database: up and down, answers, views, functions, a short load. */
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import scenario from '../../scenarios/ledger.ts';
import { withClient } from '../../src/database.ts';
import { migrate } from '../../src/migrate.ts';
import type { Server } from '../../src/server/server.ts';
import { startTestServer } from './postgres.ts';
import { SeededWorkload } from './seeded-workload.ts';

const invariants = scenario.workload.invariants!;

let server: Server;
let workload: SeededWorkload;

beforeAll(async () => {
  server = await startTestServer({ shared_preload_libraries: 'pg_stat_statements' });
  workload = await SeededWorkload.seed(server, 'ledger', scenario, 0.005);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Rows of the tables that migrations derive others from, and what each account has. */
async function contents(client: Client): Promise<unknown> {
  const { rows } = await client.query(`
    SELECT (SELECT count(*) FROM journal_entries) AS entries, (SELECT count(*) FROM anchor_authorizations) AS authorizations,
           (SELECT sum(hashtext(journal_entry_id::text || account_id || line_type || amount)) FROM journal_entry_lines) AS lines`);
  return rows[0];
}

test('every migration goes up, down and up again on the seeded database and loses no row', () =>
  workload.roundTrip(contents));

test('every stage answers as the first, and its invariants hold before and after a short load', () =>
  workload.climb(30));

test('every view can be read and the function called; pending entries are posted, unbalanced ones refused', async () => {
  const connection = await workload.copy('objects');
  await migrate(connection, workload.migrations);
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
  const connection = await workload.copy('months');
  await migrate(connection, workload.migrations, { to: '008' });
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
  const connection = await workload.copy('pages');
  await migrate(connection, workload.migrations);
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
  const connection = await workload.copy('settled');
  for (const version of ['005', '008', '009']) {
    await migrate(connection, workload.migrations, { to: version });
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
  const connection = await workload.copy('transition');
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
    await migrate(connection, workload.migrations, { to: version });
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
  await migrate(connection, workload.migrations);
  await holds('totals_are_sums');
  await holds('keys_are_entries');
  await migrate(connection, workload.migrations, { direction: 'down', to: '008' });
  await holds('events_are_lines');
  await migrate(connection, workload.migrations, { direction: 'down', to: '004' });
  await holds('events_are_lines');
  await migrate(connection, workload.migrations);
  await holds('totals_are_sums');
});
