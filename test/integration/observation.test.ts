/** What is observed of a server, on every major version: counters of what a known piece of work does, and what a version does not tell. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
  ANALYZE items;
  CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL, name text);
  INSERT INTO accounts SELECT id, greatest(0, id - 9990), 'account ' || id FROM generate_series(1, 10000) AS id;
  CREATE INDEX accounts_balance ON accounts (balance);
  ANALYZE accounts;
  CREATE TABLE emptied (id int, filler text) WITH (autovacuum_enabled = false);
  INSERT INTO emptied SELECT id, left(repeat(md5(id::text), 10), 300) FROM generate_series(1, 12000) AS id;
  CREATE INDEX emptied_filler ON emptied (id, filler);
  DELETE FROM emptied WHERE id % 4 > 0`;

const resources = new AsyncDisposableStack();
afterAll(() => resources.disposeAsync());
const serversWeStart = (await serversUnderTest(resources)).filter(({ choice }) => choice !== undefined);

/** What a load would send of it. */
const reads: PlannedTransaction = {
  name: 'note',
  body: { statements: { note: 'SELECT note FROM items WHERE id = $1' }, run: async () => undefined },
};

const scenarioFile = fileURLToPath(new URL('./load-scenario.ts', import.meta.url));

/** The read of that scenario: nearly all accounts have a balance of 0, and a few more than that. */
const byBalance: PlannedTransaction = {
  name: 'read',
  body: {
    statements: { byBalance: 'SELECT sum(id) FROM accounts WHERE balance = $1' },
    run: (client, params) => client.query('byBalance', [Math.max(0, 11 - (params as { id: number }).id)]),
  },
};

/** Its write, changed so that an index on the balance costs an entry each time. */
const transfer: PlannedTransaction = {
  name: 'transfer',
  body: {
    statements: { take: 'UPDATE accounts SET balance = balance + 1 WHERE id = $1' },
    run: (client, params) => client.query('take', [(params as { id: number }).id]),
  },
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
    const items = evidence.tables.find(({ table }) => table === 'items');
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
    await using again = await Observation.start(connection, server.major);
    const order = { scenarioFile, seed: 1, scale: 1, transactions: [byBalance, transfer], statementTimeoutMs: 1000 };
    const { measured, indexPrices } = await again.finish('after', order.transactions, new Map(), {
      order,
      knownIndexes: new Set(
        evidence.indexes.map(({ index: name }) => name).filter((name) => !name.startsWith('accounts')),
      ),
    });
    expect(measured).toMatchObject([{ transaction: 'read', statement: 'byBalance' }]);
    const [rare, usual] = ['first', 'rest'].map((label) =>
      measured![0]!.plans.find(({ classes }) => classes?.includes(label)),
    );
    expect(rare).toMatchObject({ executions: 5, classes: ['first'] });
    expect(rare!.steps.at(-1)).toMatchObject({ index: 'accounts_balance', actualRows: 1, loops: 1 });
    expect(usual!.steps.at(-1)).toMatchObject({ node: 'Seq Scan', relation: 'accounts', actualRows: 9990, loops: 1 });
    expect(usual!.steps[0]!.blocks).toBeGreaterThan(20);
    // The primary key cannot be dropped, and what was carried out was taken back.
    expect(indexPrices).toMatchObject([{ index: 'accounts_balance', writes: 20 }]);
    expect(indexPrices![0]!.walBytes).toBeGreaterThan(50);
    const sums = 'SELECT sum(balance)::int AS sum, to_regclass($1)::text AS index FROM accounts';
    const { rows } = await withClient(connection, (client) => client.query(sums, ['accounts_balance']));
    expect(rows).toEqual([{ sum: 55, index: 'accounts_balance' }]);
    const emptied = evidence.tables.find(({ table }) => table === 'emptied');
    expect(emptied!.deadShare! + emptied!.freeShare!).toBeCloseTo(0.75, 1);
    expect(items).not.toHaveProperty('freeShare');
    expect(index('emptied_filler').leafDensity).toBeGreaterThan(0.5);
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
