/** What is observed of a server, on every major version: counters of what a known piece of work does, and what a version does not tell. */
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { createDatabase, databaseName, withClient } from '../../src/database.ts';
import type { PlannedTransaction } from '../../src/load/client.ts';
import { Observation } from '../../src/observe/observation.ts';
import { stageEvidence } from '../../src/observe/schema.ts';
import { startEmbedded } from '../../src/server/embedded.ts';
import type { ConnectionTarget } from '../../src/server/server.ts';
import { temporaryFolder } from './postgres.ts';
import { serversUnderTest } from './servers.ts';

const schema = `
  CREATE TABLE items (id int PRIMARY KEY, kind int NOT NULL, note text) WITH (fillfactor = 50, autovacuum_enabled = false);
  CREATE INDEX items_kind ON items (kind);
  CREATE INDEX items_kind_note ON items (kind, note);
  CREATE INDEX items_some ON items (kind) WHERE note IS NULL;
  CREATE INDEX items_down ON items (kind DESC);
  INSERT INTO items SELECT id, id % 7, 'note' FROM generate_series(1, 1000) AS id;
  ANALYZE items`;

const resources = new AsyncDisposableStack();
afterAll(() => resources.disposeAsync());
const serversWeStart = (await serversUnderTest(resources)).filter(({ choice }) => choice !== undefined);

/** What a load would send of it. */
const reads: PlannedTransaction = {
  name: 'note',
  body: { statements: { note: 'SELECT note FROM items WHERE id = $1' }, run: async () => undefined },
};

/** Ten reads by key, one of everything, three updates that touch no index, five new rows. */
async function work(connection: ConnectionTarget): Promise<void> {
  await withClient(connection, async (client) => {
    for (let id = 1; id <= 10; id++) await client.query('SELECT note FROM items WHERE id = $1', [id]);
    await client.query('SET enable_indexscan = off');
    await client.query('SET enable_bitmapscan = off');
    await client.query('SELECT count(*) FROM items WHERE kind >= 0');
    await client.query('RESET ALL');
    await client.query("UPDATE items SET note = note || '' WHERE id <= 3");
    await client.query("INSERT INTO items SELECT id, 1, 'new' FROM generate_series(2001, 2005) AS id");
  });
}

describe.each(serversWeStart)('$name', ({ choice, missing }) => {
  it.skipIf(missing)('counts what was done, and finds what an index is worth', async () => {
    await using folder = await temporaryFolder();
    await using server = await startEmbedded({
      dataDir: join(folder.path, 'data'),
      cacheDir: join(folder.path, 'cache'),
      settings: { fsync: false, shared_buffers: '32MB', max_connections: 20 },
      choice: choice!,
      scratch: true,
    });
    await createDatabase(server, databaseName);
    const connection = server.connection(databaseName);
    await withClient(connection, (client) => client.query(schema));

    await using observation = await Observation.start(connection, server.major);
    await work(connection);
    const evidence = await observation.finish('after', [reads], new Map([['note', 10]]));

    expect(stageEvidence.parse(evidence)).toEqual(evidence);
    expect(evidence.costs).toMatchObject([{ transaction: 'note', runs: 10, calls: 10, rows: 10 }]);
    expect(evidence.costs![0]!.blocks).toBeGreaterThanOrEqual(10);
    expect(evidence.plans).toMatchObject([
      {
        statement: 'note',
        steps: [{ node: 'Index Scan', relation: 'items', index: 'items_pkey', condition: '(items.id = $1)' }],
      },
    ]);
    expect(evidence.plans![0]!.counted).toMatchObject({ calls: 10, rows: 10 });
    expect(evidence.flipped).toEqual([]);
    const [items] = evidence.tables;
    expect(items).toMatchObject({ table: 'items', inserted: 5, updated: 3, deleted: 0 });
    expect(items!.seqScans).toBeGreaterThanOrEqual(1);
    expect(items!.seqRows).toBeGreaterThanOrEqual(1000);
    expect(items!.indexScans).toBeGreaterThanOrEqual(10);

    const index = (name: string) => evidence.indexes.find((own) => own.index === name)!;
    expect(index('items_pkey')).toMatchObject({ table: 'items', constraint: true });
    expect(index('items_pkey').scans).toBeGreaterThanOrEqual(10);
    expect(index('items_kind')).toMatchObject({ scans: 0, constraint: false, coveredBy: 'items_kind_note' });
    expect(index('items_kind').bytes).toBeGreaterThan(0);
    for (const name of ['items_kind_note', 'items_some', 'items_down', 'items_pkey']) {
      expect(index(name)).not.toHaveProperty('coveredBy');
    }

    expect(evidence.wal.records).toBeGreaterThan(5);
    expect(evidence.wal.bytes).toBeGreaterThan(evidence.wal.records);
    expect(evidence.database.blocksHit).toBeGreaterThan(0);
    expect(evidence.gaps).toEqual(server.major < 16 ? ['I/O by actor (pg_stat_io): from PostgreSQL 16 on'] : []);
  });
});

const lockingUpdate = 'UPDATE items SET note = note WHERE id = 1';
const update: PlannedTransaction = {
  name: 'note',
  body: { statements: { update: lockingUpdate }, run: async () => undefined },
};

describe('waits', () => {
  it('shows what the sessions of the load wait for', async () => {
    await using folder = await temporaryFolder();
    await using server = await startEmbedded({
      dataDir: join(folder.path, 'data'),
      cacheDir: join(folder.path, 'cache'),
      settings: { fsync: false, shared_buffers: '32MB', max_connections: 20 },
      scratch: true,
    });
    await createDatabase(server, databaseName);
    const connection = server.connection(databaseName);
    await withClient(connection, (client) => client.query(schema));
    await withClient(connection, async (holder) => {
      await holder.query('BEGIN');
      await holder.query('SELECT FROM items WHERE id = 1 FOR UPDATE');
      await using observation = await Observation.start(connection, server.major);
      const load = new Client({ ...connection, application_name: 'pgrehearse load' });
      await load.connect();
      const waiting = load.query(lockingUpdate);
      await new Promise((resolve) => setTimeout(resolve, 700));
      await holder.query('ROLLBACK');
      await waiting;
      await load.end();
      const { waits, blocked } = await observation.finish('after', [update], new Map([['note', 1]]));
      expect(blocked).toMatchObject([{ blocked: 'note.update', blocker: 'another statement' }]);
      expect(blocked![0]!.seen).toBeGreaterThan(1);
      expect(waits.shares[0]!.event).toMatch(/^Lock: (transactionid|tuple)$/);
      expect(waits.shares[0]!.seen).toBeGreaterThan(1);
      expect(waits.looks).toBeGreaterThanOrEqual(waits.shares[0]!.seen);
    });
  });
});
