/** The packets workload on every major of PostgreSQL that is installed: migrations, views, functions, triggers, jobs, readings. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import scenario from '../../scenarios/packets.ts';
import { createDatabase, withClient } from '../../src/database.ts';
import { checkInvariants } from '../../src/invariants.ts';
import { migrate, readMigrations } from '../../src/migrate.ts';
import { roundTrip } from '../../src/migrate/round-trip.ts';
import { takeReadings } from '../../src/readings.ts';
import { loadSeed } from '../../src/seed/load.ts';
import { installedPackage } from '../../src/server/binaries.ts';
import { startEmbedded } from '../../src/server/embedded.ts';
import { temporaryFolder } from './postgres.ts';
import { majorsFolder } from './servers.ts';

const root = join(import.meta.dirname, '..', '..');
const { workload, stages } = scenario;
const { jobs } = stages.at(-1)!;

const calls = [
  'SELECT FROM v_stuck_packets',
  'SELECT FROM v_clearing_operation_stats',
  'SELECT FROM v_network_overview WHERE health_score > 0',
  'SELECT FROM mv_user_statistics',
  'SELECT FROM check_index_effectiveness()',
  `SELECT FROM identify_congested_channels(1, '2026-11-01', 45)`,
  `SELECT FROM get_relayer_leaderboard(20, '2026-11-01')`,
  `SELECT WHERE calculate_network_health_score('osmosis-1', '2026-11-01') BETWEEN 0 AND 100`,
  'SELECT FROM indexes_to_rebuild(0, 0)',
  `UPDATE packet_flow SET status = 'cleared', cleared_at = created_at + INTERVAL '1 hour' WHERE status = 'stuck'`,
  `SELECT WHERE archive_packets('-infinity') = 0`,
];

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
  test.skipIf(!isHere)('migrates, and answers every call', async () => {
    await using folder = await temporaryFolder();
    await using server = await startEmbedded({
      dataDir: join(folder.path, 'data'),
      cacheDir: join(folder.path, 'cache'),
      settings: { fsync: false, shared_buffers: '32MB', max_connections: 20 },
      choice: { kind: 'embedded', major, project: majorsFolder },
      scratch: true,
    });
    await createDatabase(server, 'packets');
    const connection = server.connection('packets');
    const migrations = await readMigrations(join(root, workload.migrations));
    await migrate(connection, migrations, { to: workload.baseline });
    const scenarioFile = join(root, 'scenarios', 'packets.ts');
    await loadSeed({ scenarioFile, seed: 1, scale: 0.001, connection, workers: 1 });
    await roundTrip(connection, migrations, { from: workload.baseline });
    await withClient(connection, async (client) => {
      await client.query('CREATE EXTENSION pgstattuple');
      for (const call of calls)
        expect({ call, rows: (await client.query(call)).rowCount }).not.toMatchObject({ rows: 0 });
      for (const statement of Object.values(jobs!).flatMap((job) => job.statements)) await client.query(statement);
    });
    const stage = 'after';
    const outcomes = await checkInvariants(workload.invariants!, { stage, connection, when: 'loaded' });
    expect(outcomes.filter(({ holds }) => !holds)).toEqual([]);
    const readings = await takeReadings(workload.readings!, { stage, connection });
    expect(readings.filter(({ error }) => error !== undefined)).toEqual([]);
  });
});
