import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, databaseName, withClient } from '../../src/database.ts';
import type { PlannedTransaction } from '../../src/load/client.ts';
import { checkpointsBegun } from '../../src/observe/checkpoints.ts';
import { readWork, recogniseStatements, replan, resetWork } from '../../src/observe/statements.ts';
import type { ConnectionTarget, Server } from '../../src/server/server.ts';
import { startTestServer } from './postgres.ts';

let server: Server;
let connection: ConnectionTarget;

beforeAll(async () => {
  server = await startTestServer({ shared_preload_libraries: 'pg_stat_statements', compute_query_id: 'on' });
  await createDatabase(server, databaseName);
  connection = server.connection(databaseName);
  await withClient(connection, async (client) => {
    await client.query('CREATE TABLE items (id int PRIMARY KEY, kind int NOT NULL, note text)');
    await client.query("INSERT INTO items SELECT id, id % 7, 'note' FROM generate_series(1, 5000) AS id");
    await client.query('ANALYZE items');
  });
});

afterAll(() => server?.[Symbol.asyncDispose]());

const transaction = (name: string, statements: Record<string, string>): PlannedTransaction => ({
  name,
  body: { statements, run: () => Promise.resolve() },
});

const byKey = 'SELECT note FROM items WHERE id = $1';
const byKind = 'SELECT count(*) FROM items WHERE kind = $1';
const insert = 'INSERT INTO items (id, kind, note) VALUES ($1, $2, $3)';

/** As the load sends them: parsed under a name, with parameters. */
async function send(times: number): Promise<void> {
  await withClient(connection, async (client) => {
    for (let turn = 0; turn < times; turn++) {
      await client.query({ name: 'key', text: byKey, values: [turn + 1] });
      await client.query({ name: 'kind', text: byKind, values: [turn % 7] });
      await client.query({ name: 'insert', text: insert, values: [100_000 + turn, 1, 'new'] });
    }
  });
}

describe('recogniseStatements and readWork', () => {
  it('finds the work of each statement under the identifier of its plan', async () => {
    const statements = await recogniseStatements(connection, [
      transaction('look', { byKey, byKind }),
      transaction('add', { insert }),
    ]);
    expect(statements.map(({ transaction, statement, shape }) => [transaction, statement, shape])).toEqual([
      ['look', 'byKey', 'Index Scan(items_pkey)'],
      ['look', 'byKind', 'Aggregate > Seq Scan(items)'],
      ['add', 'insert', 'ModifyTable(items) > Result'],
    ]);
    await resetWork(connection);
    await send(12);
    const work = await readWork(connection);
    const [key, kind, added] = statements.map(({ queryId }) => work!.get(queryId)!);
    expect([key!.calls, kind!.calls, added!.calls]).toEqual([12, 12, 12]);
    expect(key!.blocks / 12).toBeLessThan(5);
    expect(kind!.blocks / 12).toBeGreaterThan(20);
    expect(added!.walRecords).toBeGreaterThanOrEqual(24);
    expect(added!.rows).toBe(12);
  });

  it('carries nothing out', async () => {
    await recogniseStatements(connection, [transaction('clear', { all: 'DELETE FROM items' })]);
    const { rows } = await withClient(connection, (client) => client.query('SELECT count(*)::int AS n FROM items'));
    expect((rows[0] as { n: number }).n).toBeGreaterThanOrEqual(5000);
  });

  it('leaves out what has no plan, and goes on', async () => {
    const found = await recogniseStatements(connection, [
      transaction('odd', { broken: 'SELECT * FROM nowhere', listed: 'SHOW work_mem', fine: byKey }),
    ]);
    expect(found.map(({ statement }) => statement)).toEqual(['fine']);
  });
});

describe('checkpointsBegun', () => {
  it('counts a checkpoint that was asked for', async () => {
    await withClient(connection, async (client) => {
      const earlier = await checkpointsBegun(client, server.major);
      await client.query("INSERT INTO items VALUES (200000, 1, 'dirty')");
      await client.query('CHECKPOINT');
      await expect.poll(() => checkpointsBegun(client, server.major)).toBeGreaterThan(earlier);
    });
  });
});

const bySize = transaction('size', { search: 'SELECT id FROM sizes WHERE size = $1' });
const shapes = (planned: readonly { shape: string }[] | undefined) => planned?.map(({ shape }) => shape);

describe('plans with statistics taken anew', () => {
  it('are other plans where the old statistics knew nothing of the rows', async () => {
    await withClient(connection, async (client) => {
      await client.query('CREATE TABLE sizes (id int, size int) WITH (autovacuum_enabled = false)');
      await client.query('CREATE INDEX sizes_size ON sizes (size)');
      await client.query('INSERT INTO sizes SELECT id, 1 FROM generate_series(1, 1000) AS id');
      // All rows have one size, so that a scan of the table finds them best.
      await client.query('ANALYZE sizes');
      await client.query('INSERT INTO sizes SELECT id, id FROM generate_series(1, 20000) AS id');
    });
    expect(shapes(await recogniseStatements(connection, [bySize]))).toEqual(['Seq Scan(sizes)']);
    expect(shapes(await replan(connection, [bySize]))).toEqual(['Index Scan(sizes_size)']);
  });

  it('are the same where the rows are', async () => {
    const before = shapes(await recogniseStatements(connection, [bySize]));
    expect(shapes(await replan(connection, [bySize]))).toEqual(before);
  });
});
