/**
 * The four workloads on every major of PostgreSQL that is installed: up the ladder, in each stage every view read, every function called
 * and its jobs carried out; where it brings functions, a moment of load for its triggers, invariants and readings; and down again.
 */
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import ledger from '../../scenarios/ledger.ts';
import packets from '../../scenarios/packets.ts';
import sessions from '../../scenarios/sessions.ts';
import webhooks from '../../scenarios/webhooks.ts';
import { withClient } from '../../src/database.ts';
import { migrate } from '../../src/migrate.ts';
import { takeReadings } from '../../src/readings.ts';
import type { ScenarioSpec, StageSpec } from '../../src/scenario.ts';
import { installedPackage } from '../../src/server/binaries.ts';
import { startEmbedded } from '../../src/server/embedded.ts';
import type { ConnectionTarget, Server } from '../../src/server/server.ts';
import { temporaryFolder } from './postgres.ts';
import { SeededWorkload } from './seeded-workload.ts';
import { majorsFolder } from './servers.ts';

interface Calls {
  scenario: ScenarioSpec;
  /** By the function that they call, directly or by a trigger that the load does not fire. */
  calls: Record<string, string>;
  /** The same for triggers that refuse. */
  refused?: Record<string, string>;
}

const workloads: Record<string, Calls> = {
  ledger: {
    scenario: ledger,
    calls: {
      get_account_balance_fast: 'SELECT get_account_balance_fast(1000)',
      create_monthly_partition: `SELECT create_monthly_partition('journal_entries', '2027-06-01')`,
      ensure_monthly_partitions: `SELECT ensure_monthly_partitions('journal_entries', '2026-10-15', '2027-01-20')`,
      lock_obligations: `SELECT lock_obligations('{GROCERY}')`,
      post_entry: `SELECT post_entry(gen_random_uuid(), 'JE-CALLED', 'AR', 'Posted', '{1000,2100}', '{DEBIT,CREDIT}', '{5,5}', '2026-11-01Z')`,
      add_events_of_posted: `UPDATE journal_entries SET status = 'Posted' WHERE status = 'Pending'`,
      post_pending_entry: `UPDATE journal_entries SET status = 'Posted' WHERE status = 'Pending'`,
      touch_updated_at: `UPDATE anchor_authorizations SET expired_at = expired_at
                          WHERE event_id = (SELECT min(event_id) FROM anchor_authorizations)`,
      remove_entry_keys: `INSERT INTO journal_entries (journal_id, date, description, source) VALUES ('JE-GONE', '2026-10-31', 'gone', 'AR');
                          DELETE FROM journal_entries WHERE journal_id = 'JE-GONE'`,
    },
    refused: { refuse_new_keys: 'UPDATE journal_entries SET date = date - 40' },
  },
  packets: {
    scenario: packets,
    calls: {
      check_index_effectiveness: 'SELECT FROM check_index_effectiveness()',
      analyze_query_performance: `SELECT FROM analyze_query_performance('%')`,
      aggregate_daily_stats: `SELECT aggregate_daily_stats('2026-10-30', '2026-10-31')`,
      calculate_network_health_score: `SELECT calculate_network_health_score('osmosis-1', '2026-11-01')`,
      identify_congested_channels: `SELECT FROM identify_congested_channels(1, '2026-11-01', 45)`,
      get_relayer_leaderboard: `SELECT FROM get_relayer_leaderboard(20, '2026-11-01')`,
      archive_packets: `SELECT archive_packets('2026-10-01', 100)`,
      indexes_to_rebuild: 'SELECT FROM indexes_to_rebuild(0, 0)',
      terminate_long_queries: `SELECT terminate_long_queries('1 hour')`,
    },
  },
  sessions: {
    scenario: sessions,
    calls: {
      create_future_partitions: `SELECT create_future_partitions('2027-06-01', 2)`,
      create_monthly_partition: `SELECT create_monthly_partition('2027-05-15')`,
      delete_expired_nonces: `SELECT delete_expired_nonces('2026-11-01', 100)`,
      end_stale_sessions: `SELECT end_stale_sessions('2026-11-01 04:00')`,
    },
  },
  webhooks: {
    scenario: webhooks,
    calls: {
      refresh_user_daily_stats: `SELECT refresh_user_daily_stats('-infinity')`,
      routes_of: 'SELECT r.* FROM endpoints ep, routes_of(ep) AS r',
      keep_endpoint_routes: `UPDATE endpoints SET chain_ids = '{1}' WHERE id = (SELECT min(id::text) FROM endpoints)::uuid`,
    },
    refused: { keep_application_owner: 'UPDATE applications SET user_id = gen_random_uuid()' },
  },
};

/** Of ours: what an extension brought is its own. */
const ofNoExtension = (oid: string) => `NOT EXISTS (SELECT FROM pg_depend WHERE objid = ${oid} AND deptype = 'e')`;

async function namesOf(client: Client, sql: string): Promise<string[]> {
  return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
}

async function readViews(client: Client): Promise<void> {
  const views = await namesOf(
    client,
    `SELECT oid::regclass::text FROM pg_class
      WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace AND ${ofNoExtension('oid')}`,
  );
  for (const view of views) await client.query(`SELECT * FROM ${view}`);
}

/** What the calls did is taken back, so that the next stage can make them too. @returns the functions that they called */
async function callFunctions(client: Client, { calls, refused = {} }: Calls): Promise<string[]> {
  const present = await namesOf(client, `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace`);
  const here = (all: Record<string, string>) => Object.entries(all).filter(([name]) => present.includes(name));
  for (const [, sql] of here(calls)) {
    await client.query('BEGIN');
    await client.query(sql);
    await client.query('ROLLBACK');
  }
  for (const [name, sql] of here(refused)) {
    const error = await client.query(sql).catch(({ code }: { code: string }) => code);
    expect({ name, error }).toEqual({ name, error: 'P0001' });
  }
  return [...here(calls), ...here(refused)].map(([name]) => name);
}

/**
 * Functions that nobody called: by PostgreSQL's own count those in PL/pgSQL, by name the ones in SQL, which it may inline. A function
 * whose triggers a stage has dropped cannot be called.
 */
async function uncalled(client: Client, called: string[], refused: Record<string, string> = {}): Promise<string[]> {
  return namesOf(
    client,
    `SELECT proname::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
      WHERE pronamespace = 'public'::regnamespace AND ${ofNoExtension('p.oid')}
        AND (prorettype <> 'trigger'::regtype OR EXISTS (SELECT FROM pg_trigger WHERE tgfoid = p.oid))
        AND CASE WHEN lanname = 'plpgsql' AND proname <> ALL ('{${Object.keys(refused).join()}}')
                 THEN coalesce(pg_stat_get_function_calls(p.oid), 0) = 0
                 ELSE proname <> ALL ('{${called.join()}}') END`,
  );
}

/** Whether there are functions that the stages so far had not, or in other words. */
async function bringsFunctions(client: Client, seen: Set<string>): Promise<boolean> {
  const sources = await namesOf(
    client,
    `SELECT proname || prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND ${ofNoExtension('pg_proc.oid')}`,
  );
  const fresh = sources.filter((source) => !seen.has(source));
  for (const source of fresh) seen.add(source);
  return fresh.length > 0;
}

async function tryStage(
  workload: SeededWorkload,
  stage: StageSpec,
  of: Calls,
  { connection, seen }: { connection: ConnectionTarget; seen: Set<string> },
): Promise<void> {
  await workload.migrateTo(connection, stage);
  const { called, isNew } = await withClient(connection, async (client) => {
    await client.query('SELECT pg_stat_reset()');
    await readViews(client);
    const jobs = Object.values(stage.jobs ?? {}).flatMap(({ statements }) => statements);
    for (const statement of jobs) await client.query(statement);
    return { called: await callFunctions(client, of), isNew: await bringsFunctions(client, seen) };
  });
  if (!isNew) return;
  await workload.shortLoad({ ...stage, jobs: {} }, connection, 400);
  const uncounted = await withClient(connection, (client) => uncalled(client, called, of.refused));
  expect({ stage: stage.name, uncalled: uncounted }).toEqual({ stage: stage.name, uncalled: [] });
  expect(await workload.brokenInvariants(stage.name, connection)).toEqual([]);
  const readings = await takeReadings(of.scenario.workload.readings ?? {}, { stage: stage.name, connection });
  expect(readings.filter(({ error }) => error !== undefined)).toEqual([]);
}

const majors = await Promise.all(
  [15, 16, 17, 18].map(async (major) => {
    const isHere = await installedPackage(major, majorsFolder).then(
      () => true,
      () => false,
    );
    return { major, isHere };
  }),
);

describe.each(majors)('PostgreSQL $major', ({ major, isHere }) => {
  const resources = new AsyncDisposableStack();
  let server: Server;

  beforeAll(async () => {
    if (!isHere) return;
    const folder = resources.use(await temporaryFolder());
    server = resources.use(
      await startEmbedded({
        dataDir: join(folder.path, 'data'),
        cacheDir: join(folder.path, 'cache'),
        settings: {
          fsync: false,
          shared_buffers: '64MB',
          max_connections: 20,
          shared_preload_libraries: 'pg_stat_statements',
          track_functions: 'all',
        },
        choice: { kind: 'embedded', major, project: majorsFolder },
        scratch: true,
      }),
    );
  });
  afterAll(() => resources.disposeAsync());

  const parts = Object.entries(workloads);
  test.skipIf(!isHere).concurrent.each(parts)('carries out every part of %s', async (name, of) => {
    const { scenario } = of;
    const workload = await SeededWorkload.seed(server, name, scenario, 0.001);
    await withClient(workload.seeded, (client) => client.query('CREATE EXTENSION pgstattuple'));
    const connection = await workload.copy('ladder');
    const seen = new Set<string>();
    for (const stage of scenario.stages) await tryStage(workload, stage, of, { connection, seen });
    await migrate(connection, workload.migrations, { direction: 'down', to: scenario.workload.baseline });
  });
});
