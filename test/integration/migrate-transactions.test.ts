/** Which statements PostgreSQL refuses in a transaction block: what the parse tree tells, held against the server. */
import { Client } from 'pg';
import type { DatabaseError } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { splitStatements } from '../../src/sql.ts';
import { startTestServer } from './postgres.ts';

let server: Server;
let client: Client;

beforeAll(async () => {
  server = await startTestServer();
  client = new Client(server.connection());
  await client.connect();
  await client.query(`CREATE TABLE t (id int, parent int); CREATE INDEX t_id ON t (id);
    CREATE MATERIALIZED VIEW view AS SELECT 1 AS id; CREATE UNIQUE INDEX ON view (id); REFRESH MATERIALIZED VIEW view;
    CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
    CREATE TYPE mood AS ENUM ('sad')`);
  await client.query('CLUSTER t USING t_id');
  await client.query(`CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)`);
});

afterAll(async () => {
  await client?.end();
  await server?.[Symbol.asyncDispose]();
});

/** SQLSTATE of the statement inside a transaction block, undefined when it succeeds. */
async function codeInTransaction(sql: string): Promise<string | undefined> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    return undefined;
  } catch (error) {
    return (error as DatabaseError).code;
  } finally {
    await client.query('ROLLBACK');
  }
}

test.for([
  'CREATE INDEX CONCURRENTLY i ON t (id)',
  'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (id)',
  'DROP INDEX CONCURRENTLY t_id',
  'REINDEX INDEX CONCURRENTLY t_id',
  'REINDEX (VERBOSE, CONCURRENTLY ON) TABLE t',
  'REINDEX SCHEMA public',
  'REINDEX DATABASE postgres',
  'REINDEX SYSTEM postgres',
  'ALTER TABLE p DETACH PARTITION p_1 CONCURRENTLY',
  'VACUUM',
  'VACUUM (ANALYZE) t',
  'CLUSTER',
  "ALTER SYSTEM SET work_mem = '8MB'",
  'CREATE DATABASE other',
  'DROP DATABASE other',
  'ALTER DATABASE postgres SET TABLESPACE pg_default',
  "CREATE TABLESPACE space LOCATION '/nowhere'",
  'DROP TABLESPACE space',
  "CREATE SUBSCRIPTION u CONNECTION 'host=nowhere' PUBLICATION p",
  'DROP SUBSCRIPTION s',
  'DISCARD ALL',
  "COMMIT PREPARED 'x'",
])('refused: %s', async (sql) => {
  expect((await splitStatements(sql))[0]!.transactional).toBe(false);
  expect(await codeInTransaction(sql)).toBe('25001');
});

test('refused: a block that commits', async () => {
  const sql = 'DO $$ BEGIN FOR i IN 1..2 LOOP COMMIT; END LOOP; END $$';
  expect((await splitStatements(sql))[0]!.transactional).toBe(false);
  expect(await codeInTransaction(sql)).toBe('2D000');
});

test.for([
  'CREATE INDEX i ON t (id)',
  'DROP INDEX t_id',
  'REINDEX TABLE t',
  'REINDEX (CONCURRENTLY OFF) TABLE t',
  'ALTER TABLE p DETACH PARTITION p_1',
  'ANALYZE t',
  'CLUSTER t',
  'REFRESH MATERIALIZED VIEW CONCURRENTLY view',
  'ALTER DATABASE postgres SET work_mem = 4096',
  "ALTER TYPE mood ADD VALUE 'happy'",
  "CREATE SUBSCRIPTION u CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)",
  'ALTER SUBSCRIPTION s SET PUBLICATION q WITH (refresh = false)',
  'DISCARD PLANS',
  "DO $$ BEGIN RAISE NOTICE 'commit; rollback'; /* commit; */ END $$",
  "SELECT 'VACUUM; CREATE INDEX CONCURRENTLY'",
])('allowed: %s', async (sql) => {
  expect((await splitStatements(sql))[0]!.transactional).toBe(true);
  expect(await codeInTransaction(sql)).toBeUndefined();
});
