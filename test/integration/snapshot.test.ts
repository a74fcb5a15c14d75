import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { startEmbedded } from '../../src/server/embedded.ts';
import { describeHost } from '../../src/server/host.ts';
import { reapLeftovers } from '../../src/server/leftovers.ts';
import { exists } from '../../src/server/processes.ts';
import { seedingSettings } from '../../src/server/profiles.ts';
import { SnapshotStore } from '../../src/snapshot.ts';
import { temporaryFolder } from './postgres.ts';

async function ask(
  cacheDir: string,
  dataDir: string,
  settings: Record<string, string | number | boolean>,
  sql: string,
) {
  await using server = await startEmbedded({ dataDir, cacheDir, settings });
  const client = new Client(server.connection());
  await client.connect();
  try {
    const { rows } = await client.query(sql);
    return rows as unknown[];
  } finally {
    await client.end();
  }
}

async function walSegments(dataDir: string): Promise<string[]> {
  return (await readdir(join(dataDir, 'pg_wal'))).filter((name) => name.length === 24);
}

test('a database seeded without durability is cloned, and the clone is a working server of its own', async () => {
  await using cache = await temporaryFolder();
  await using store = new SnapshotStore(cache.path);
  const seeding = seedingSettings({ ...describeHost(), memoryBytes: 2 ** 30 }, { major: 18 });
  const snapshot = await store.build({ rows: 1000 }, async (dataDir) => {
    const sql = 'begin; create table t as select generate_series(1, 1000) as n; create index on t (n); commit';
    await ask(cache.path, dataDir, seeding, sql);
    return {};
  });
  expect(snapshot.bytes).toBeGreaterThan(20_000_000);
  const clones = ['before', 'after'].map((name) => join(cache.path, name));
  for (const clone of clones) await store.clone(snapshot, clone);
  const settings = { shared_buffers: '16MB' };
  await ask(cache.path, clones[0]!, settings, 'delete from t where n > 10');
  const count = "select count(*), current_setting('wal_level') as wal, current_setting('fsync') as fsync from t";
  expect(await ask(cache.path, clones[0]!, settings, count)).toEqual([{ count: '10', wal: 'replica', fsync: 'on' }]);
  expect(await ask(cache.path, clones[1]!, settings, count)).toEqual([{ count: '1000', wal: 'replica', fsync: 'on' }]);
  expect(await store.find(snapshot.key)).toBeDefined();
  expect(await reapLeftovers(cache.path)).toEqual([]);
});

test('a snapshot keeps the one WAL segment that its clones need to start', async () => {
  await using cache = await temporaryFolder();
  await using store = new SnapshotStore(cache.path);
  const settings = { shared_buffers: '16MB', min_wal_size: '160MB' };
  const snapshot = await store.build({}, async (dataDir) => {
    const sql = `create table t (n int); insert into t select generate_series(1, 300000); select pg_switch_wal();
                 insert into t select generate_series(1, 300000); checkpoint; insert into t values (1)`;
    await ask(cache.path, dataDir, settings, sql);
    expect((await walSegments(dataDir)).length).toBeGreaterThan(2);
    return {};
  });
  expect(await walSegments(snapshot.dataDir)).toHaveLength(1);
  const clone = join(cache.path, 'clone');
  await store.clone(snapshot, clone);
  expect(await ask(cache.path, clone, settings, 'select count(*) from t')).toEqual([{ count: '600001' }]);
});

/** Messages of up to 8 kB, smaller and smaller, until fewer bytes of the segment are left than a checkpoint record has. */
const fillSegment = `do $$
  declare
    room bigint;
  begin
    loop
      room := 16777216 - (pg_current_wal_insert_lsn() - '0/0') % 16777216;
      exit when room < 104;
      perform pg_logical_emit_message(false, '', repeat('x', case when room > 20000 then 8000 else 0 end));
    end loop;
  end $$`;

test('a snapshot keeps both WAL segments where the checkpoint of the shutdown begins in one and ends in the next', async () => {
  await using cache = await temporaryFolder();
  await using store = new SnapshotStore(cache.path);
  const settings = { shared_buffers: '16MB', min_wal_size: '160MB' };
  const snapshot = await store.build({}, async (dataDir) => {
    await ask(cache.path, dataDir, settings, 'create table t as select 1 as n');
    await ask(cache.path, dataDir, settings, fillSegment);
    return {};
  });
  expect(await walSegments(snapshot.dataDir)).toHaveLength(2);
  const clone = join(cache.path, 'clone');
  await store.clone(snapshot, clone);
  expect(await ask(cache.path, clone, settings, 'select n from t')).toEqual([{ n: 1 }]);
});

test('a server that crashes while a snapshot is built leaves no snapshot', async () => {
  await using cache = await temporaryFolder();
  await using store = new SnapshotStore(cache.path);
  const built = store.build({}, async (dataDir) => {
    const server = await startEmbedded({ dataDir, cacheDir: cache.path, settings: { shared_buffers: '16MB' } });
    process.kill(server.pid, 'SIGQUIT');
    await server.stop();
    return {};
  });
  await expect(built).rejects.toThrow('did not shut down cleanly');
  expect(await store.list()).toEqual([]);
});

test('a build that is killed leaves nothing that counts: who waits for it builds, the next start cleans up', async () => {
  await using cache = await temporaryFolder();
  const child = spawn(process.execPath, [fileURLToPath(new URL('./snapshot-child.ts', import.meta.url)), cache.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [serverPid] = await once(child.stdout, 'data');
  const notices: string[] = [];
  const waiting = Promise.withResolvers<void>();
  const onNotice = (sentence: string) => {
    notices.push(sentence);
    waiting.resolve();
  };
  await using store = new SnapshotStore(cache.path, { onNotice });
  const settings = { fsync: false, shared_buffers: '16MB' };
  const built = store.build({ rows: 1 }, async (dataDir) => {
    await ask(cache.path, dataDir, settings, 'create table t as select 1 as n');
    return { by: 'who waited' };
  });
  await waiting.promise;
  expect(notices).toEqual([`Waiting for process ${child.pid}, which is working on the same snapshot.`]);
  child.kill('SIGKILL');
  expect(await built).toMatchObject({ cached: false, details: { by: 'who waited' } });

  expect(await reapLeftovers(cache.path)).toEqual([
    expect.stringMatching(
      new RegExp(
        `^An earlier run \\(process ${child.pid}\\) was killed: stopped its PostgreSQL \\(process ${Number(serverPid)}\\) ` +
          'and removed its half-made snapshot snapshots/building-\\w+-\\w+-\\w+\\.$',
      ),
    ),
  ]);
  expect(exists(Number(serverPid))).toBe(false);
  expect((await readdir(join(cache.path, 'snapshots'))).length).toBe(2);
  expect(await store.list()).toHaveLength(1);
});
