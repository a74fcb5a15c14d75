/** Servers that are not ours: one is started here, and used through a role that may do little. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from 'pg';
import { assertOurs, createDatabase, databaseName, withClient } from '../../src/database.ts';
import { externalTarget } from '../../src/server/external/connection.ts';
import { reapDatabases, Control } from '../../src/server/external/control.ts';
import { ExternalSnapshots, reserveDatabase } from '../../src/server/external/snapshots.ts';
import { useExternal } from '../../src/server/external/server.ts';
import { surveyServer } from '../../src/server/external/survey.ts';
import type { LocalServer } from '../../src/server/server.ts';
import { pgrehearse } from './command.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

let server: LocalServer;
let url: string;
const password = 'p@ss/w:rd';

beforeAll(async () => {
  server = await startTestServer({ max_connections: 40 });
  const { host, port } = server.loopbackConnection('postgres');
  url = `postgres://rehearser:${encodeURIComponent(password)}@${host}:${port}/postgres`;
  await asSuperuser(`CREATE ROLE rehearser LOGIN CREATEDB PASSWORD '${password}'`);
});
afterAll(() => server.stop());

async function asSuperuser(sql: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
  return withClient(server.connection(database), async (client) => (await client.query(sql)).rows);
}

const survey = (allowProduction = false, connections = 8) =>
  surveyServer(externalTarget(url, {}), { connections, allowProduction });
const postgres = () => ({ version: server.version, major: server.major });
const databases = async (): Promise<unknown[]> =>
  (await asSuperuser('SELECT datname FROM pg_database ORDER BY 1')).map(({ datname }) => datname);

describe('a server that is not ours', () => {
  it('is surveyed: version, and what the role may not', async () => {
    const { version, notes } = await survey();
    expect(version).toBe(server.version);
    expect(notes).toEqual([
      expect.stringContaining('pg_stat_statements can be set up by some roles only'),
      expect.stringContaining('may not checkpoint'),
    ]);
  });

  it('is refused with everything that is missing, in sentences', async () => {
    await asSuperuser('ALTER ROLE rehearser NOCREATEDB');
    await expect(survey(false, 100)).rejects.toThrow(
      /The role may not create databases: ALTER ROLE \.\.\. CREATEDB\. The server has \d+ connections left, but 110 are needed/,
    );
    await asSuperuser('ALTER ROLE rehearser CREATEDB');
  });

  it('keeps the password out of every message', async () => {
    const wrong = externalTarget(url.replace('rehearser:', 'nobody:'), {});
    const told = await surveyServer(wrong, { connections: 8, allowProduction: false }).then(
      () => '',
      (error: Error) => `${JSON.stringify(error)} ${error.stack}`,
    );
    expect(told).toContain('cannot be used as nobody');
    expect(told).not.toContain(password);
  });

  it('is not used where it looks like production, unless that is allowed', async () => {
    await asSuperuser('CREATE DATABASE shop_prod');
    const customer = new Client(server.connection('shop_prod'));
    await customer.connect();
    await expect(survey()).rejects.toThrow(
      /looks like production: others are connected to shop_prod \(1\); by the name of shop_prod\./,
    );
    await expect(survey(true)).resolves.toBeDefined();
    await customer.end();
    await asSuperuser('DROP DATABASE shop_prod');
  });

  it('makes a snapshot once, clones it, applies settings to the clone, and leaves nothing changed', async () => {
    const { target } = await survey();
    const before = await databases();
    const notices: string[] = [];
    let built = 0;
    const build = async (location: string) => {
      built++;
      await using live = await useExternal({ target, postgres: postgres(), database: location, settings: {} });
      await createDatabase(live, databaseName);
      await withClient(live.connection(databaseName), (client) =>
        client.query('CREATE TABLE item AS SELECT generate_series(1, 1000) AS id'),
      );
      return { rows: 1000 };
    };
    await using store = await ExternalSnapshots.open(target, (notice) => notices.push(notice));
    const first = await store.build({ test: 1 }, build);
    const second = await store.build({ test: 1 }, build);
    expect(await store.list()).toMatchObject([{ key: first.key, parts: { test: 1 }, details: { rows: 1000 } }]);
    expect([built, first.cached, second.cached, second.details]).toEqual([1, false, true, { rows: 1000 }]);
    await expect(withClient({ ...target, database: first.dataDir }, async () => {})).rejects.toThrow(
      'not currently accepting connections',
    );
    {
      await using place = await reserveDatabase(target);
      await store.clone(second, place.location);
      const settings = { work_mem: '5MB', shared_buffers: '1GB', track_io_timing: true, checkpoint_timeout: '5min' };
      await using live = await useExternal({ target, postgres: postgres(), database: place.location, settings });
      expect(live.gaps).toEqual([{ name: 'shared_buffers', value: '32MB', reason: 'it needs a restart' }]);
      const { rows } = await withClient(live.connection(databaseName), (client) =>
        client.query(`SELECT count(*)::int, current_setting('work_mem') AS work_mem FROM item`),
      );
      expect(rows).toEqual([{ count: 1000, work_mem: '5MB' }]);
    }
    expect(await databases()).toEqual([...before, first.dataDir].toSorted((a, b) => (String(a) < String(b) ? -1 : 1)));
    expect(await asSuperuser('SELECT * FROM pg_db_role_setting')).toEqual([]);
  });

  it('drops a snapshot, but not one in use', async () => {
    const { target } = await survey();
    const build = async (location: string) => {
      await using live = await useExternal({ target, postgres: postgres(), database: location, settings: {} });
      await live.makeDatabase(databaseName);
      return {};
    };
    await using user = await ExternalSnapshots.open(target, () => {});
    await using store = await ExternalSnapshots.open(target, () => {});
    const { key, dataDir } = await user.build({ test: 3 }, build);
    await expect(store.drop(key)).rejects.toThrow('is in use');
    await user[Symbol.asyncDispose]();
    await expect.poll(() => store.drop(key).then(() => 'dropped', String)).toBe('dropped');
    expect(await databases()).not.toContain(dataDir);
  });

  it('keeps nothing of a build that fails', async () => {
    const { target } = await survey();
    const before = await databases();
    await using store = await ExternalSnapshots.open(target, () => {});
    const failing = store.build({ test: 2 }, async (location) => {
      await using live = await useExternal({ target, postgres: postgres(), database: location, settings: {} });
      await createDatabase(live, databaseName);
      throw new Error('out of ideas');
    });
    await expect(failing).rejects.toThrow('out of ideas');
    expect(await databases()).toEqual(before);
  });

  it('is cleaned of what a killed run left, but not of what a living one uses', async () => {
    const { target } = await survey();
    await using living = await reserveDatabase(target);
    await using control = await Control.open(target);
    await control.create(living.location);
    await control.create('pgrehearse_run_dead');
    expect(await reapDatabases(control)).toEqual([
      'Dropped the database pgrehearse_run_dead, which an earlier run had left.',
    ]);
    expect(await databases()).toContain(living.location);
  });
});

describe('a database without the mark', () => {
  const theirs = 'pgrehearse_theirs';
  beforeAll(async () => {
    await asSuperuser(`CREATE DATABASE ${theirs} OWNER rehearser`);
  });

  it('is neither taken into use, nor dropped, nor written to', async () => {
    const { target } = await survey();
    const refused = 'was not made by pgrehearse and will not be written to';
    await expect(useExternal({ target, postgres: postgres(), database: theirs, settings: {} })).rejects.toThrow(
      refused,
    );
    await expect(assertOurs({ ...target, database: theirs })).rejects.toThrow(refused);
    await using control = await Control.open(target);
    await expect(control.drop(theirs)).rejects.toThrow('does not carry the mark of pgrehearse');
    expect(await databases()).toContain(theirs);
  });

  it('does not get one by restoring a dump of ours', async () => {
    const { target } = await survey();
    await using control = await Control.open(target);
    await control.create('pgrehearse_ours');
    const [ours] = await asSuperuser(
      `SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = 'pgrehearse_ours'`,
    );
    await asSuperuser(`COMMENT ON DATABASE ${theirs} IS '${String(ours!['comment'])}'`);
    await expect(assertOurs({ ...target, database: theirs })).rejects.toThrow('was not made by pgrehearse');
    await asSuperuser(`COMMENT ON DATABASE ${theirs} IS NULL`);
    await control.drop('pgrehearse_ours');
  });
});

describe('commands on a database that only looks like ours', () => {
  const scenario = 'test/fixtures/shop.ts';
  const small = ['--scale', '0.1', '--server'];
  let cache: Awaited<ReturnType<typeof temporaryFolder>>;
  let theirs: string;

  beforeAll(async () => {
    cache = await temporaryFolder();
    const seeded = await pgrehearse(['seed', scenario, ...small, url, '--json'], cache.path);
    expect(seeded).toMatchObject({ exitCode: 0 });
    const { stdout, stderr } = await pgrehearse(['snapshot', 'list', '--server', url, '--json'], cache.path);
    expect(stderr).toBe('');
    const ours = (JSON.parse(String(stdout)) as { parts: { workload?: string }; dataDir: string }[]).find(
      ({ parts }) => parts.workload === 'shop',
    );
    theirs = ours!.dataDir;
    // The name alone is no mark.
    await asSuperuser(`DROP DATABASE ${theirs}`);
    await asSuperuser(`CREATE DATABASE ${theirs} OWNER rehearser`);
  });
  afterAll(() => cache[Symbol.asyncDispose]());

  it.each(['run', 'seed', 'rehearse', 'capacity', 'probe', 'calibrate'])('%s leaves it alone', async (command) => {
    const out = command === 'seed' ? [] : ['--out', join(cache.path, command)];
    const { exitCode, stderr } = await pgrehearse([command, scenario, ...out, ...small, url], cache.path);
    expect(stderr).toContain(`${theirs} does not carry the mark of pgrehearse and is left alone`);
    expect(stderr).not.toContain(password);
    expect(exitCode).toBe(2);
    const tables = await asSuperuser(`SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace`, theirs);
    expect(tables).toEqual([]);
  });
});
