import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCatalog, UsageError, type SeedSpec } from 'pgrehearse';
import { withClient } from '../../src/database.ts';
import { importScenario } from '../../src/scenario-module.ts';
import { loadSeed, type LoadSeedOptions, type SeedProgress, type SeedReport } from '../../src/seed/load.ts';
import type { ConnectionTarget, Server } from '../../src/server/server.ts';
import { startTestServer } from './postgres.ts';

let server: Server;
let databases = 0;

beforeAll(async () => {
  server = await startTestServer({ wal_level: 'minimal', max_wal_senders: 0 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

interface Fixture {
  scenarioFile: string;
  seed: SeedSpec;
  target: ConnectionTarget;
  client: Client;
  load: (options?: Partial<LoadSeedOptions>) => Promise<SeedReport>;
}

/** A database of its own with the tables of a seed in ./seeds. */
async function fixture(name: string): Promise<Fixture> {
  const scenarioFile = join(import.meta.dirname, 'seeds', `${name}.ts`);
  const scenario = (await importScenario(scenarioFile)) as unknown as { ddl: string; workload: { seed: SeedSpec } };
  const database = `seed_${++databases}`;
  await withClient(server.connection(), (client) => client.query(`CREATE DATABASE ${database}`));
  const target = server.connection(database);
  const client = new Client(target);
  await client.connect();
  await client.query(scenario.ddl);
  const load = (options: Partial<LoadSeedOptions> = {}): Promise<SeedReport> =>
    loadSeed({ scenarioFile, connection: target, seed: 1, scale: 1, ...options });
  return { scenarioFile, seed: scenario.workload.seed, target, client, load };
}

/** Everything that stands on the tables of the database. */
async function definitions(client: Client): Promise<unknown[]> {
  const { rows } = await client.query(`
    SELECT conrelid::regclass::text AS on, conname AS name, pg_get_constraintdef(oid) AS definition, convalidated, condeferrable,
           condeferred, obj_description(oid, 'pg_constraint') AS comment
      FROM pg_constraint WHERE connamespace::regnamespace::text IN ('public', 'sales')
    UNION ALL
    SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid, indisunique, indisprimary,
           obj_description(indexrelid, 'pg_class')
      FROM pg_index WHERE indrelid > 16384
    UNION ALL
    SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled = 'O', false, false, NULL
      FROM pg_trigger WHERE NOT tgisinternal
    ORDER BY 1, 2, 3`);
  return rows;
}

describe('values', () => {
  test('a cell of the catalog is what SELECT returns, for every type', async () => {
    const { client, load, seed } = await fixture('every-type');
    await load();
    const catalog = createCatalog(seed, { seed: 1, scale: 1 });
    const { rows } = await client.query<Record<string, unknown>>(
      'SELECT *, bytes::text AS bytes_text FROM every_type ORDER BY id',
    );
    expect(rows.length).toBe(catalog.rows('every_type'));
    for (const column of Object.keys(seed.tables['every_type']!.columns)) {
      const expected = rows.map((_, row) => comparable(column, catalog.cell('every_type', column, row)));
      expect(
        rows.map((row) => comparable(column, row[column])),
        column,
      ).toEqual(expected);
    }
    await client.end();
  });

  test('a cell of the catalog finds its row as a parameter', async () => {
    const { client, load, seed } = await fixture('every-type');
    await load();
    const catalog = createCatalog(seed, { seed: 1, scale: 1 });
    for (const column of [
      'whole',
      'hashed',
      'money',
      'key',
      'at',
      'local',
      'code',
      'feeling',
      'flag',
      'numbers',
      'doc',
    ]) {
      const value = catalog.cell('every_type', column, 11);
      const { rows } = await client.query(
        `SELECT FROM every_type WHERE id = 12 AND ${column} IS NOT DISTINCT FROM $1`,
        [value],
      );
      expect(rows.length, column).toBe(1);
    }
    await client.end();
  });
});

/** Numbers that `pg` returns as text, and dates that it reads in the local zone, made comparable. */
function comparable(column: string, value: any): unknown {
  if (value === null) return null;
  if (['big', 'hashed', 'huge', 'id'].includes(column)) return String(value);
  if (['money', 'exact', 'fixed', 'zero', 'real4'].includes(column)) return Number(value);
  if (column === 'local') return (value as Date).getTime();
  if (column === 'day') return (value as Date).toISOString().slice(0, 10);
  return value instanceof Uint8Array ? [...value] : JSON.parse(JSON.stringify(value));
}

function hashes(report: SeedReport): string[] {
  return report.tables.map(({ sha256 }) => sha256);
}

describe('loading', () => {
  test('indexes, constraints, comments and triggers stand as before, and triggers did not fire', async () => {
    const { client, load } = await fixture('shop');
    const before = await definitions(client);
    await load();
    expect(await definitions(client)).toEqual(before);
    expect((await client.query('SELECT FROM told')).rows).toEqual([]);
    await client.end();
  });

  test('rows, references and statistics are there; another load replaces them', async () => {
    const { client, load, seed } = await fixture('shop');
    await load({ seed: 2 });
    const report = await load();
    const catalog = createCatalog(seed, { seed: 1, scale: 1 });
    for (const { name, rows } of report.tables) {
      const { rows: counted } = await client.query(`SELECT count(*)::int4 AS count FROM ${name}`);
      expect(counted[0]).toEqual({ count: rows });
      expect(rows).toBe(catalog.rows(name));
    }
    const { rows } = await client.query(`
      SELECT relname, relpages = relallvisible AND relpages > 0 AS visible,
             (SELECT count(*) > 0 FROM pg_stats s WHERE s.tablename = relname) AS analysed
        FROM pg_class WHERE oid IN ('users'::regclass, 'sales.orders'::regclass, 'sales.lines'::regclass)`);
    expect(rows.every(({ visible, analysed }) => visible && analysed)).toBe(true);
    await client.end();
  });

  test('the bytes do not depend on the number of workers, and are the pinned ones', async () => {
    const { client, load } = await fixture('shop');
    const one = await load({ workers: 1 });
    const three = await load({ workers: 3 });
    expect(hashes(three)).toEqual(hashes(one));
    expect(hashes(await load({ seed: 2 }))).not.toEqual(hashes(one));
    expect(hashes(one).map((hash) => hash.slice(0, 16))).toMatchInlineSnapshot(`
      [
        "45f61c00041dbd25",
        "688011462795be9c",
        "394c240771807a60",
      ]
    `);
    await client.end();
  });

  test('identity columns go on after the seeded rows', async () => {
    const { client, load } = await fixture('shop');
    await load();
    const { rows } = await client.query(
      'INSERT INTO sales.orders (user_id, total) SELECT id, 1 FROM users LIMIT 1 RETURNING id',
    );
    expect(rows).toEqual([{ id: '3001' }]);
    await client.end();
  });

  test('progress counts up to all rows, then tells of indexes, constraints and statistics', async () => {
    const { client, load } = await fixture('shop');
    const told: SeedProgress[] = [];
    const report = await load({ onProgress: (progress) => told.push(progress) });
    const copied = told.filter(({ phase }) => phase === 'copy');
    expect(copied.at(-1)).toMatchObject({
      done: 1,
      rows: report.rows,
      rowsTotal: report.rows,
      bytes: report.copyBytes,
    });
    expect(copied.every(({ rows }, index) => index === 0 || rows >= copied[index - 1]!.rows)).toBe(true);
    expect(told.some(({ text }) => text.startsWith('index orders_by_tag'))).toBe(true);
    expect([...new Set(told.map(({ phase }) => phase))]).toEqual(['copy', 'index', 'constraint', 'analyze']);
    await client.end();
  });
});

describe('faults', () => {
  test('all that a dry run can find is told at once', async () => {
    const { client, load } = await fixture('faults');
    const before = await definitions(client);
    const error = await load().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UsageError);
    const { message } = error as UsageError;
    for (const part of [
      'table missing does not exist',
      'table parted is partitioned',
      'table t has no column nothing',
      'column t.made is generated by the database',
      'column t.required is NOT NULL without default, and the seed does not fill it',
      'column t.id: the generator makes UUIDs, and the column is integer',
      'column t.name, row 0: 6 characters do not fit character varying(5)',
      'column t.number, row 0:',
      'does not fit smallint',
      'column t.key, row 7: seven is not allowed',
      'table coloured, row 1, column c: invalid input value for enum colour: "green"',
    ]) {
      expect(message).toContain(part);
    }
    expect(await definitions(client)).toEqual(before);
    await client.end();
  });

  test.each([
    ['throws', 'Seed column t.value, row 2000: no more values.'],
    ['unfit', 'Seed column t.value, row 2000: "text" is not a number.'],
    [
      'refused',
      'The server refused the rows of table t, row 2000: new row for relation "t" violates check constraint "t_value_check".',
    ],
    ['duplicate', 'Index t_pkey of the seeded tables could not be restored: could not create unique index "t_pkey".'],
  ])('a late fault that %s names its place, and leaves everything as it stood', async (fault, message) => {
    const { client, load } = await fixture(`late-${fault}`);
    const before = await definitions(client);
    const error = await load().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toBe(message);
    expect(await definitions(client)).toEqual(before);
    expect((await client.query('SELECT FROM t')).rows).toEqual([]);
    await client.end();
  });

  test('a reference to a row that does not exist is found', async () => {
    const { client, load } = await fixture('late-dangling');
    await expect(load()).rejects.toThrow(/Foreign key t_parent_fkey of the seeded tables could not be restored/);
    await client.end();
  });

  test('a load that is stopped leaves no connection behind', async () => {
    const { client, load } = await fixture('shop');
    const stop = new AbortController();
    const loading = load({ signal: stop.signal, onProgress: () => stop.abort(new Error('stopped')) });
    await expect(loading).rejects.toThrow('stopped');
    const others = `SELECT FROM pg_stat_activity WHERE application_name LIKE 'pgrehearse%' AND datname = current_database()`;
    await expect.poll(async () => (await client.query(others)).rows.length, { timeout: 5_000 }).toBe(0);
    await client.end();
  });
});
