/** The stages of the packets workload on a small seeded database: up and down, answers, views and functions, a short load. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import scenario from '../../scenarios/packets.ts';
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
const common = { scenarioFile: join(root, 'scenarios', 'packets.ts'), seed: 1, scale: 0.002 };
const invariants = scenario.workload.invariants!;

let server: Server;
let migrations: Migration[];

beforeAll(async () => {
  server = await startTestServer();
  migrations = await readMigrations(join(root, scenario.workload.migrations));
  await createDatabase(server, 'seeded');
  await migrate(server.connection('seeded'), migrations, { to: scenario.workload.baseline });
  await loadSeed({ ...common, connection: server.connection('seeded'), workers: 1 });
});
afterAll(() => server[Symbol.asyncDispose]());

const copyOf = (template: string, name: string) =>
  withClient(server.connection(), (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));

test('every migration goes up, down and up again on the seeded database', async () => {
  await copyOf('seeded', 'round_trip');
  const records = await roundTrip(server.connection('round_trip'), migrations, { from: scenario.workload.baseline });
  expect(records.map(({ version }) => version)).toEqual(['002', '003', '004', '005', '006', '007']);
});

test('sequences of a channel have no gaps', async () => {
  await withClient(server.connection('seeded'), async (client) => {
    const { rows } = await client.query(`
      SELECT src_chain_id, src_channel_id FROM packet_flow GROUP BY 1, 2
      HAVING min(sequence) <> 1 OR max(sequence) <> count(*)`);
    expect(rows).toEqual([]);
  });
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
    for (const { transaction, different, unanswered, example } of compareAnswers(first, answers)) {
      expect({ stage, transaction, different, unanswered, example }).toMatchObject({ different: 0, unanswered: 0 });
    }
    await copyOf('ladder', `load_${stage.replace('-', '_')}`);
    const connection = server.connection(`load_${stage.replace('-', '_')}`);
    const block = await runBlock({
      ...common,
      stage,
      connection,
      id: stage,
      blockNumber: 1,
      load: { ...defaultLoad, ratePerSecond: 100, durationMs: 1_500, warmupMs: 100, connections: 4 },
      slo: defaultSlo,
      samplesPath: join(folder.path, `${stage}.bin`),
    });
    expect({ stage, succeeded: block.counts.succeeded }).toEqual({ stage, succeeded: block.counts.scheduled });
    const outcomes = [
      ...(await checkInvariants(invariants, { stage, connection: ladder, when: 'seeded' })),
      ...(await checkInvariants(invariants, { stage, connection, when: 'loaded' })),
    ];
    expect(outcomes.filter(({ holds }) => !holds)).toEqual([]);
  }
});

test('every view can be read, refreshed concurrently, and every function called', async () => {
  await copyOf('seeded', 'objects');
  const connection = server.connection('objects');
  await migrate(connection, migrations);
  await withClient(connection, async (client) => {
    await client.query('REFRESH MATERIALIZED VIEW CONCURRENTLY mv_user_statistics');
    const { rows: stuck } = await client.query('SELECT * FROM v_stuck_packets');
    expect(stuck.length).toBeGreaterThan(0);
    const { rows: health } = await client.query(
      `SELECT calculate_network_health_score('osmosis-1', '2026-11-01')::float AS score`,
    );
    expect(health[0].score).toBeGreaterThan(50);
    expect(health[0].score).toBeLessThanOrEqual(100);
    const { rows: indexes } = await client.query('SELECT index_name FROM check_index_effectiveness()');
    expect(indexes.map((row) => row.index_name)).toContain('idx_packet_flow_stuck_newest');
    expect((await client.query(`SELECT * FROM analyze_query_performance('%clearing%')`)).rows).toEqual([]);
  });
});
