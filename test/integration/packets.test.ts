/** The stages of the packets workload on a small seeded database: up and down, answers, views and functions, a short load. */
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import scenario from '../../scenarios/packets.ts';
import { withClient } from '../../src/database.ts';
import { migrate } from '../../src/migrate.ts';
import { takeReadings } from '../../src/readings.ts';
import type { ConnectionTarget, Server } from '../../src/server/server.ts';
import { startTestServer } from './postgres.ts';
import { SeededWorkload } from './seeded-workload.ts';

let server: Server;
let workload: SeededWorkload;

beforeAll(async () => {
  server = await startTestServer();
  workload = await SeededWorkload.seed(server, 'packets', scenario, 0.002);
});
afterAll(() => server[Symbol.asyncDispose]());

/** The packets, with a digest of the columns that they had in the beginning. */
async function contents(client: Client): Promise<unknown> {
  const { rows } = await client.query(`
    SELECT sum(hashtext(id::text || packet_id || status || sequence || amount)) AS packets FROM packet_flow`);
  return rows[0];
}

test('every migration goes up, down and up again on the seeded database and loses no packet', () =>
  workload.roundTrip(contents));

test('sequences of a channel have no gaps', async () => {
  await withClient(workload.seeded, async (client) => {
    const { rows } = await client.query(`
      SELECT src_chain_id, src_channel_id FROM packet_flow GROUP BY 1, 2
      HAVING min(sequence) <> 1 OR max(sequence) <> count(*)`);
    expect(rows).toEqual([]);
  });
});

test('every stage answers as the first, and its invariants hold before and after a short load', () =>
  workload.climb(100, async ({ name: stage }, loaded) => {
    const taken = await takeReadings(scenario.workload.readings!, { stage, connection: loaded });
    expect(taken.filter(({ error }) => error !== undefined)).toEqual([]);
  }));

/** A copy of the seeded database with every migration, and a client of it. */
async function withMigratedCopy(name: string, use: (client: Client, target: ConnectionTarget) => Promise<void>) {
  const target = await workload.copy(name);
  await migrate(target, workload.migrations);
  await withClient(target, (client) => use(client, target));
}

const brokenInvariants = (connection: ConnectionTarget) => workload.brokenInvariants('after', connection);

test('every view can be read, refreshed concurrently, and every function called', async () => {
  await withMigratedCopy('objects', async (client) => {
    const rowsOf = async (sql: string) => (await client.query(sql)).rows;
    await client.query('REFRESH MATERIALIZED VIEW CONCURRENTLY mv_user_statistics');
    expect((await rowsOf('SELECT * FROM v_stuck_packets')).length).toBeGreaterThan(0);
    const statuses = await rowsOf('SELECT DISTINCT clearing_status FROM v_clearing_operation_stats');
    expect(statuses.map((row) => row.clearing_status)).toContain('completed');
    const overview = await rowsOf('SELECT chain_id, health_score::float AS score FROM v_network_overview');
    expect(overview).toHaveLength(60);
    expect(overview.filter(({ score }) => !(score > 50 && score <= 100))).toEqual([]);
    const [health] = await rowsOf(`SELECT calculate_network_health_score('osmosis-1', '2026-11-01')::float AS score`);
    expect(overview).toContainEqual({ chain_id: 'osmosis-1', score: health.score });
    const indexes = await rowsOf('SELECT index_name FROM check_index_effectiveness()');
    expect(indexes.map((row) => row.index_name)).toContain('idx_packet_flow_stuck_newest');
    expect(await rowsOf(`SELECT * FROM analyze_query_performance('%clearing%')`)).toEqual([]);
  });
});

test('only other clients that have been active for long are ended', async () => {
  await withMigratedCopy('long_queries', async (client, target) => {
    await withClient(target, async (other) => {
      const { rows } = await other.query('SELECT pg_backend_pid() AS pid');
      const asleep = other.query('SELECT pg_sleep(60)').catch((error: { code: string }) => error.code);
      const isActive = `SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%sleep%'`;
      while ((await client.query(isActive, [rows[0].pid])).rowCount === 0);
      expect((await client.query(`SELECT terminate_long_queries('1 hour') AS pid`)).rows).toEqual([]);
      expect((await client.query(`SELECT terminate_long_queries('0 seconds') AS pid`)).rows).toEqual(rows);
      expect(await asleep).toBe('57P01');
    });
  });
});

test('congested channels and the leaderboard are what the packets say', async () => {
  await withMigratedCopy('boards', async (client) => {
    const congested = await client.query(`
      SELECT channel, packets::int, stuck::int FROM identify_congested_channels(1, '2026-11-01', 45) ORDER BY chain, channel`);
    const counted = await client.query(`
      SELECT src_channel_id AS channel, count(*)::int AS packets, count(*) FILTER (WHERE status = 'stuck')::int AS stuck
        FROM packet_flow WHERE created_at >= '2026-09-17Z' AND created_at < '2026-11-01Z' GROUP BY src_chain_id, 1
      HAVING count(*) FILTER (WHERE status = 'stuck') >= 0.01 * count(*) ORDER BY src_chain_id, 1`);
    expect(congested.rows.length).toBeGreaterThan(0);
    expect(congested.rows).toEqual(counted.rows);
    const leaders = await client.query(
      `SELECT relayer, relayed::int, won::int FROM get_relayer_leaderboard(5, '2026-11-01', 7)`,
    );
    const carried = await client.query(`
      SELECT relayer_address AS relayer, count(*)::int AS relayed, count(*) FILTER (WHERE status = 'cleared')::int AS won
        FROM packet_flow WHERE created_at >= '2026-10-25Z' AND created_at < '2026-11-01Z' AND relayer_address IS NOT NULL
       GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5`);
    expect(leaders.rows).toEqual(carried.rows);
  });
});

test('the roll-ups follow statements that store and change many packets, and the invariants tell when they do not', async () => {
  await withMigratedCopy('rollups', async (client, target) => {
    await client.query(`
      UPDATE packet_flow SET status = 'failed', cleared_at = NULL, relayer_address = 'relayer-1' WHERE id % 7 = 0 AND status = 'cleared'`);
    await client.query(`
      INSERT INTO packet_flow (packet_id, src_chain_id, dst_chain_id, src_channel_id, dst_channel_id, sequence, sender, receiver,
                               amount, denom, created_at)
      SELECT packet_id, src_chain_id, dst_chain_id, src_channel_id, dst_channel_id, sequence + 1000000, sender, receiver,
             amount, denom, '2026-11-01 00:30Z' FROM packet_flow WHERE id % 5 = 0`);
    expect(await brokenInvariants(target)).toEqual([]);
    await client.query('ALTER TABLE packet_flow DISABLE TRIGGER USER');
    await client.query(
      `UPDATE packet_flow SET status = 'stuck', stuck_at = created_at, cleared_at = NULL WHERE id % 11 = 0`,
    );
    expect(await brokenInvariants(target)).toEqual(['channels_are_counts', 'relayers_are_counts']);
  });
});

test('archived packets stay in the roll-ups, and come back with the down migration', async () => {
  await withMigratedCopy('archive', async (client, target) => {
    const countsOf = async () =>
      (
        await client.query(`
        SELECT (SELECT count(*)::int FROM packet_flow) AS packets,
               (SELECT sum(packets_sent)::int FROM channel_performance) AS counted`)
      ).rows[0];
    const before = await countsOf();
    const { rows } = await client.query(`SELECT archive_packets('2026-10-01', 500)::int AS archived`);
    expect(rows).toEqual([{ archived: 500 }]);
    expect(await countsOf()).toEqual({ packets: before.packets - 500, counted: before.counted });
    await migrate(target, workload.migrations, { direction: 'down', to: '007' });
    expect(await countsOf()).toEqual(before);
    expect(await brokenInvariants(target)).toEqual([]);
  });
});

test('indexes to rebuild come with a command that can be run', async () => {
  await withMigratedCopy('bloat', async (client) => {
    const bloated = `SELECT command FROM indexes_to_rebuild(8192, 0) WHERE index_name = 'packet_flow_pkey'`;
    expect((await client.query(bloated)).rows).toEqual([]);
    await client.query('CREATE EXTENSION pgstattuple');
    const { rows } = await client.query(bloated);
    expect(rows).toEqual([{ command: 'REINDEX INDEX CONCURRENTLY public.packet_flow_pkey' }]);
    await client.query(rows[0].command);
  });
});
