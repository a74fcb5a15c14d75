/** The ladder of the sessions workload on a small seeded database: up and down, answers, views, functions, a short load. */
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import scenario from '../../scenarios/sessions.ts';
import { withClient } from '../../src/database.ts';
import { migrate } from '../../src/migrate.ts';
import { takeReadings } from '../../src/readings.ts';
import type { Server } from '../../src/server/server.ts';
import { startTestServer } from './postgres.ts';
import { SeededWorkload } from './seeded-workload.ts';

let server: Server;
let workload: SeededWorkload;

beforeAll(async () => {
  server = await startTestServer({ shared_preload_libraries: 'pg_stat_statements' });
  workload = await SeededWorkload.seed(server, 'sessions', scenario, 0.005);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Rows of each baseline table, with a digest of the columns that it had in the beginning. */
async function contents(client: Client): Promise<unknown> {
  const { rows } = await client.query(`
    SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM blocks) AS blocks,
           (SELECT count(*) FROM nonces) AS nonces, (SELECT count(*) FROM reports) AS reports,
           (SELECT sum(hashtext(id || a_addr || b_addr || started_at || coalesce(ended_at::text, ''))) FROM sessions) AS sessions,
           (SELECT sum(hashtext(id || coalesce(address, '') || type || payload || ts)) FROM telemetry_events) AS telemetry`);
  return rows[0];
}

test('every migration goes up, down and up again on the seeded database and loses no row', () =>
  workload.roundTrip(contents));

/** What the clean-up leaves behind. */
const cleaned = (client: Client) =>
  client.query(`SELECT (SELECT count(*)::int FROM nonces WHERE expires_at < '2026-11-01') AS expired,
                       to_regclass('telemetry_events_2027_02') IS NOT NULL AS ahead`);

test('every stage answers as the first, and its invariants hold before and after a short load', async () => {
  const indexes = new Map<string, number>();
  await workload.climb(100, async ({ name: stage, jobs }, loaded) => {
    if (jobs !== undefined) {
      expect((await withClient(loaded, cleaned)).rows).toEqual([{ expired: 0, ahead: true }]);
    }
    const readings = await takeReadings(scenario.workload.readings!, { stage, connection: loaded });
    expect(readings.map(({ value }) => typeof value)).toEqual(['number', 'number', 'number']);
    indexes.set(stage, readings[0]!.value!);
  });
  expect(indexes.get('indexes')! - indexes.get('pool')!).toBe(41);
  expect(indexes.get('lean')).toBeLessThan(indexes.get('monitoring')!);
});

test('every view can be read and every function called', async () => {
  const connection = await workload.copy('objects');
  await migrate(connection, workload.migrations);
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
