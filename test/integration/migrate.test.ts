import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EnvironmentError, PgrehearseError, UsageError } from '../../src/errors.ts';
import { migrate, readMigrations, status, verify } from '../../src/migrate.ts';
import type { MigrateOptions, MigrationEvent } from '../../src/migrate.ts';
import type { ConnectionTarget, Server } from '../../src/server/server.ts';
import { startTestServer } from './postgres.ts';

let server: Server;
let folder: string;
let target: ConnectionTarget;
let databases = 0;

beforeAll(async () => {
  server = await startTestServer();
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-migrations-'));
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await rm(folder, { recursive: true, force: true });
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-migrations-'));
  databases += 1;
  await run(server.connection(), `CREATE DATABASE migrate_${databases}`);
  target = server.connection(`migrate_${databases}`);
});

async function run<Row extends Record<string, unknown>>(connection: ConnectionTarget, sql: string): Promise<Row[]> {
  const client = new Client(connection);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Writes one pair of files. */
async function pair(base: string, up: string, down = 'SELECT 1;'): Promise<void> {
  await writeFile(join(folder, `${base}.up.sql`), up);
  await writeFile(join(folder, `${base}.down.sql`), down);
}

async function up(options?: MigrateOptions) {
  return migrate(target, await readMigrations(folder), options);
}

async function down(to: string) {
  return migrate(target, await readMigrations(folder), { direction: 'down', to });
}

async function failureOf(work: Promise<unknown>): Promise<PgrehearseError> {
  const error: unknown = await work.then(
    () => expect.fail('it should have failed'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PgrehearseError);
  return error as PgrehearseError;
}

/** Every column, index and constraint outside the system's and our own schemas. */
async function schemaOf(): Promise<unknown> {
  const skip = `NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'pgrehearse')`;
  return {
    columns: await run(
      target,
      `SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
        WHERE table_schema ${skip} ORDER BY 1, 2`,
    ),
    indexes: await run(target, `SELECT indexdef FROM pg_indexes WHERE schemaname ${skip} ORDER BY 1`),
    functions: await run(
      target,
      `SELECT proname, prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname ${skip} ORDER BY 1`,
    ),
  };
}

async function threeMigrations(): Promise<void> {
  await pair('001_users', 'CREATE TABLE users (id int PRIMARY KEY, mail text);', 'DROP TABLE users;');
  await pair(
    '002_index',
    'CREATE INDEX CONCURRENTLY users_mail ON users (mail);\nALTER TABLE users ADD COLUMN age int;',
    'ALTER TABLE users DROP COLUMN age;\nDROP INDEX CONCURRENTLY users_mail;',
  );
  await pair(
    '003_function',
    'CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT n; SELECT n * 2; END;',
    'DROP FUNCTION twice;',
  );
}

describe('the way up and down', () => {
  test('applies everything, keeps every duration, and finds nothing to do the second time', async () => {
    await threeMigrations();
    const events: MigrationEvent[] = [];
    const records = await up({ onMigration: (event) => events.push(event) });
    expect(records.map(({ version, name, statements }) => [version, name, statements])).toEqual([
      ['001', 'users', 1],
      ['002', 'index', 2],
      ['003', 'function', 1],
    ]);
    expect(events.map((event) => event.status)).toEqual([1, 2, 3].flatMap(() => ['started', 'finished']));
    const rows = await status(target, await readMigrations(folder));
    expect(rows.map((row) => row.state)).toEqual(['applied', 'applied', 'applied']);
    expect(rows.map((row) => row.durationMs)).toEqual(records.map((record) => record.durationMs));
    expect(records.every((record) => record.durationMs > 0)).toBe(true);
    expect(await up()).toEqual([]);
    await verify(target, await readMigrations(folder));
  });

  test('up, down, up gives the same schema', async () => {
    await threeMigrations();
    const empty = await schemaOf();
    await up();
    const full = await schemaOf();
    const reverted = await down('000');
    expect(reverted.map((record) => record.version)).toEqual(['003', '002', '001']);
    expect(await schemaOf()).toEqual(empty);
    expect((await status(target, await readMigrations(folder))).map((row) => row.state)).toEqual([
      'pending',
      'pending',
      'pending',
    ]);
    await up();
    expect(await schemaOf()).toEqual(full);
  });

  test('stops at the version that is asked for, in both directions', async () => {
    await threeMigrations();
    expect((await up({ to: '2' })).map((record) => record.version)).toEqual(['001', '002']);
    expect(await down('002')).toEqual([]);
    await expect(up({ to: '001' })).rejects.toThrow('The database is at version 002, beyond 001.');
    await expect(down('003')).rejects.toThrow('The database is at version 002, below 003.');
    expect((await down('001')).map((record) => record.version)).toEqual(['002']);
  });

  test('names the known versions when the version is unknown', async () => {
    await threeMigrations();
    const error = await failureOf(up({ to: '004' }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toBe('There is no migration with version "004".');
    expect(error.hint).toBe('The known versions are 001, 002, 003.');
    await expect(
      failureOf(migrate(target, await readMigrations(folder), { direction: 'down' })),
    ).resolves.toMatchObject({
      hint: 'The known versions are 001, 002, 003, and 000 for none.',
    });
  });

  test('status and verify write nothing into a database that was never migrated', async () => {
    await threeMigrations();
    const rows = await status(target, await readMigrations(folder));
    await verify(target, await readMigrations(folder));
    expect(rows.map((row) => [row.state, row.durationMs])).toEqual([1, 2, 3].map(() => ['pending', undefined]));
    expect(await run(target, `SELECT 1 FROM pg_namespace WHERE nspname = 'pgrehearse'`)).toEqual([]);
  });

  test('what one file sets does not reach the next', async () => {
    await pair('001_set', `CREATE SCHEMA other; SET search_path = other; SET ROLE pg_monitor;`);
    await pair('002_table', 'CREATE TABLE here (id int);');
    await up();
    expect(await run(target, `SELECT schemaname FROM pg_tables WHERE tablename = 'here'`)).toEqual([
      { schemaname: 'public' },
    ]);
  });

  test('accepts BEGIN and COMMIT around a file, and blocks that commit', async () => {
    await pair('001_framed', 'BEGIN;\nCREATE TABLE numbers (n int);\nCOMMIT;');
    await pair(
      '002_backfill',
      `DO $$ BEGIN FOR i IN 1..3 LOOP INSERT INTO numbers VALUES (i); COMMIT; END LOOP; END $$;`,
    );
    await pair(
      '003_procedure',
      `CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO numbers VALUES (4); COMMIT; END $$;`,
    );
    await pair('004_call', '-- pgrehearse: no-transaction\nCALL fill();');
    await up();
    expect(await run(target, 'SELECT n FROM numbers ORDER BY n')).toEqual([1, 2, 3, 4].map((n) => ({ n })));
  });
});

describe('files that changed', () => {
  test('a changed applied file is named and nothing is applied', async () => {
    await threeMigrations();
    await up({ to: '002' });
    await pair('001_users', 'CREATE TABLE users (id bigint PRIMARY KEY, mail text);', 'DROP TABLE users;');
    const migrations = await readMigrations(folder);
    const errors = await Promise.all([failureOf(up()), failureOf(down('000')), failureOf(verify(target, migrations))]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toContain('- 001_users changed after it was applied');
      expect(error.message).toContain(join(folder, '001_users.up.sql'));
    }
    expect((await status(target, migrations)).map((row) => row.state)).toEqual(['changed', 'applied', 'pending']);
  });

  test('line ends do not count as a change', async () => {
    await threeMigrations();
    await up();
    const path = join(folder, '002_index.up.sql');
    await writeFile(path, `\uFEFF${(await readFile(path, 'utf8')).replaceAll('\n', '\r\n')}`);
    await verify(target, await readMigrations(folder));
    expect(await up()).toEqual([]);
  });

  test('an applied version whose files are gone is named', async () => {
    await threeMigrations();
    await up();
    await Promise.all(['up', 'down'].map((way) => rm(join(folder, `002_index.${way}.sql`))));
    for (const error of await Promise.all([failureOf(up()), failureOf(down('001'))])) {
      expect(error.message).toContain('- 002_index is applied, but its files are gone');
    }
    expect((await status(target, await readMigrations(folder))).map((row) => row.state)).toEqual([
      'applied',
      'missing',
      'applied',
    ]);
  });

  test('a pending version below an applied one is named', async () => {
    await pair('001_a', 'SELECT 1;');
    await pair('003_c', 'SELECT 3;');
    await up();
    await pair('002_b', 'SELECT 2;');
    await expect(up()).rejects.toThrow('- 002_b is not applied, but the later 003_c is');
  });
});

describe('SQL that the server refuses', () => {
  test('a file in a transaction leaves nothing, and the error shows the place', async () => {
    await pair('001_ok', 'CREATE TABLE a (id int);');
    await pair('002_bad', '-- Größe\nCREATE TABLE b (id int);\n\nSELECT \'é\',\n\t€.wrong FROM b "€";\nSELECT 1;');
    const error = await failureOf(up());
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message.split('\n')).toEqual([
      'Migration 002_bad failed at statement 2 of 3 (up): column €.wrong does not exist (SQLSTATE 42703).',
      `${join(folder, '002_bad.up.sql')}:5`,
      '5 |  €.wrong FROM b "€";',
      '  |  ^',
    ]);
    expect(error.hint).toBe('The file was rolled back as a whole: correct it and migrate again.');
    expect(await run(target, `SELECT to_regclass('a') AS a, to_regclass('b') AS b`)).toEqual([{ a: 'a', b: null }]);
    await pair('002_bad', 'CREATE TABLE b (id int);');
    expect((await up()).map((record) => record.version)).toEqual(['002']);
  });

  test('an error inside a function shows the inner query and the context', async () => {
    await pair('001_inner', `DO $$\nBEGIN\n  PERFORM missing FROM pg_class;\nEND $$;`);
    const { message } = await failureOf(up());
    expect(message).toContain('column "missing" does not exist (SQLSTATE 42703)');
    expect(message).toContain('1 | SELECT missing FROM pg_class\n  |        ^');
    expect(message).toContain('context: PL/pgSQL function inline_code_block line 3 at PERFORM');
  });

  test("detail and the server's hint are kept, and a constraint that fails at COMMIT is told", async () => {
    await pair('001_a', 'CREATE TABLE a (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);');
    await pair('002_b', 'INSERT INTO a VALUES (1), (1);');
    const { message } = await failureOf(up());
    expect(message).toMatch(/^Migration 002_b failed at its end \(up\): duplicate key .*\(SQLSTATE 23505\)\./);
    expect(message).toContain('detail: Key (id)=(1) already exists.');
  });

  test('a procedure that commits inside a transaction gets the directive as a hint', async () => {
    await pair('001_p', 'CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;');
    await pair('002_call', 'CALL p();');
    expect((await failureOf(up())).hint).toContain('-- pgrehearse: no-transaction');
  });

  test('a half-applied file is known the next time, and the way back works', async () => {
    await pair('001_t', 'CREATE TABLE t (id int); INSERT INTO t VALUES (1), (1);', 'DROP TABLE t;');
    await pair(
      '002_unique',
      'CREATE INDEX CONCURRENTLY t_id ON t (id);\nCREATE UNIQUE INDEX CONCURRENTLY t_unique ON t (id);\nSELECT 1;',
      'DROP INDEX IF EXISTS t_unique; DROP INDEX IF EXISTS t_id;',
    );
    const first = await failureOf(up());
    expect(first.message).toMatch(/^Migration 002_unique failed at statement 2 of 3 \(up\): .*\(SQLSTATE 23505\)\./);
    expect(first.hint).toContain('drop the invalid t_unique first');
    const second = await failureOf(up());
    expect(second.message).toMatch(
      /002_unique was started at .* and did not end: 1 of the file's 3 statements are done/,
    );
    expect(second.hint).toContain('Migrate down to the version before 002');
    expect((await status(target, await readMigrations(folder))).map((row) => row.state)).toEqual([
      'applied',
      'unfinished',
    ]);
    await down('001');
    await run(target, 'DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)');
    expect((await up()).map((record) => record.version)).toEqual(['002']);
  });

  test('a file without a transaction that leaves one open is refused', async () => {
    await pair('001_open', '-- pgrehearse: no-transaction\nBEGIN;\nCREATE TABLE t (id int);');
    const error = await failureOf(up());
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain('the file leaves a transaction open');
    expect(await run(target, `SELECT to_regclass('t') AS t`)).toEqual([{ t: null }]);
  });
});

describe('two at a time', () => {
  test('two runners apply every file once', async () => {
    await threeMigrations();
    const both = await Promise.all([up(), up()]);
    expect(new Set(both.map((records) => records.length))).toEqual(new Set([0, 3]));
  });

  test('the second one waits, says for whom, and gives up at its time limit', async () => {
    await pair('001_slow', 'SELECT pg_sleep(600);');
    const stop = new AbortController();
    const first = up({ signal: stop.signal }).then(
      () => 'ended',
      (reason: unknown) => reason,
    );
    await waitForQuery('SELECT pg_sleep(600)');
    const events: MigrationEvent[] = [];
    const error = await failureOf(up({ lockTimeoutMs: 300, onMigration: (event) => events.push(event) }));
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error.message).toMatch(/did not end within 0.3 s: process \d+ \("pgrehearse migrate"\)/);
    expect(events.map((event) => event.status)).toEqual(['waiting']);
    const reason = new Error('enough');
    stop.abort(reason);
    expect(await first).toBe(reason);
    expect((await status(target, await readMigrations(folder))).map((row) => row.state)).toEqual(['pending']);
  });

  test('a waiting runner does not hold up CREATE INDEX CONCURRENTLY', async () => {
    await pair('001_t', 'CREATE TABLE t (id int);');
    await pair('002_i', 'SELECT pg_sleep(0.3); CREATE INDEX CONCURRENTLY t_i ON t (id);');
    const both = await Promise.all([up(), sleep(100).then(() => up())]);
    expect(both.flat().map((record) => record.version)).toEqual(['001', '002']);
  });
});

test('a connection lost in a file without a transaction is told the next time', async () => {
  await pair(
    '001_slow',
    '-- pgrehearse: no-transaction\nCREATE TABLE t (id int);\nSELECT pg_sleep(600);',
    'DROP TABLE t;',
  );
  const work = failureOf(up());
  await run(target, `SELECT pg_terminate_backend(${await waitForQuery('SELECT pg_sleep(600)')})`);
  expect((await work).message).toContain('failed at statement 2 of 2 (up)');
  expect((await failureOf(verify(target, await readMigrations(folder)))).message).toContain(
    "did not end: 1 of the file's 2 statements are done",
  );
  await down('0');
  expect(await run(target, `SELECT to_regclass('t') AS t`)).toEqual([{ t: null }]);
});

test('a role that may not keep books gets one clear sentence', async () => {
  await threeMigrations();
  await run(target, `CREATE ROLE guest_${databases} LOGIN`);
  const guest = { ...target, user: `guest_${databases}` };
  const error = await failureOf(migrate(guest, await readMigrations(folder)));
  expect(error).toBeInstanceOf(EnvironmentError);
  expect(error.message).toMatch(
    /^Database "\w+" refuses the bookkeeping of migrations: permission denied for database/,
  );
});

test('a lost server is the environment, not the file', async () => {
  await pair('001_slow', 'SELECT pg_sleep(600);');
  const work = failureOf(up());
  const pid = await waitForQuery('SELECT pg_sleep(600)');
  await run(target, `SELECT pg_terminate_backend(${pid})`);
  expect(await work).toBeInstanceOf(EnvironmentError);
  const nowhere = await failureOf(migrate({ ...target, database: 'nowhere' }, await readMigrations(folder)));
  expect(nowhere.message).toContain('"nowhere"');
  expect(nowhere).toBeInstanceOf(EnvironmentError);
});

async function waitForQuery(query: string): Promise<number> {
  for (;;) {
    const [row] = await run<{ pid: number }>(
      target,
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query = '${query}'`,
    );
    if (row) return row.pid;
    await sleep(20);
  }
}
