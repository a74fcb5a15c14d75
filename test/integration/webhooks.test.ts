/** The ladder of the webhooks workload on a small seeded database: up and down, answers, views, functions, jobs, a short load. */
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import scenario from '../../scenarios/webhooks.ts';
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
  workload = await SeededWorkload.seed(server, 'webhooks', scenario, 0.002);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Rows of the two large tables, with a digest of the columns that they had in the beginning. */
async function contents(client: Client): Promise<unknown> {
  const { rows } = await client.query(`
    SELECT (SELECT sum(hashtext(id::text || transaction_hash || ingested_at)) FROM events) AS events,
           (SELECT sum(hashtext(id::text || event_id || endpoint_id || attempted_at || coalesce(duration_ms, 0)))
              FROM delivery_attempts) AS attempts`);
  return rows[0];
}

test('every migration goes up, down and up again on the seeded database and loses no row', () =>
  workload.roundTrip(contents));

test('every stage answers as the first where it says so, and works under load with its job', () =>
  workload.climb(25, async ({ name: stage }, loaded) => {
    const taken = await takeReadings(scenario.workload.readings!, { stage, connection: loaded });
    expect(taken.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(taken.length).toBeGreaterThan(0);
  }));

test('a delivery that changes before the backfill gets to it gets its user then', async () => {
  const connection = await workload.copy('early');
  await migrate(connection, workload.migrations, { to: '004' });
  await withClient(connection, async (client) => {
    const { rows } = await client.query(`
      UPDATE delivery_attempts d SET duration_ms = 1
        FROM endpoints ep JOIN applications a ON a.id = ep.application_id
       WHERE ep.id = d.endpoint_id AND d.id IN (SELECT id FROM delivery_attempts LIMIT 10)
      RETURNING d.user_id = a.user_id AS is_the_owner`);
    expect(rows).toEqual(Array.from({ length: 10 }, () => ({ is_the_owner: true })));
  });
});

test('pages by key list every event of the whale once, and no other', async () => {
  const connection = await workload.copy('pages');
  for (const stage of scenario.stages.filter(({ answersDiffer }) => answersDiffer?.['event_list'] !== undefined)) {
    await workload.migrateTo(connection, stage);
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
  const connection = await workload.copy('objects');
  await migrate(connection, workload.migrations, { to: '012' });
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
