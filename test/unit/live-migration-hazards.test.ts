/** Migrations that hurt, each found by its text alone, and harmless ones that are left alone. What only a load shows is in test/integration. */
import { describe, expect, it } from 'vitest';
import { findingsOf } from '../../src/live-migration/findings.ts';
import type { Migration } from '../../src/migrate.ts';
import { splitStatements } from '../../src/sql.ts';

/** What is found in files that are applied one after the other, as `line: rule`. */
async function foundIn(...files: string[]): Promise<string[]> {
  const migrations = await Promise.all(
    files.map(async (text, at) => {
      const statements = await splitStatements(text);
      const transactional = statements.every((statement) => statement.transactional);
      return { up: { path: `/project/00${at + 2}_x.up.sql`, statements, transactional } } as unknown as Migration;
    }),
  );
  return findingsOf(migrations, '/project').map(({ file, line, rule }) => `${file}:${line}: ${rule}`);
}

const hazards: [name: string, text: string, says: RegExp][] = [
  [
    'a column with a volatile default',
    'ALTER TABLE orders ADD COLUMN key uuid DEFAULT gen_random_uuid()',
    /default that differs/,
  ],
  ['a serial column', 'ALTER TABLE orders ADD COLUMN number bigserial', /default that differs/],
  [
    'a stored generated column',
    'ALTER TABLE orders ADD COLUMN euros int GENERATED ALWAYS AS (cents / 100) STORED',
    /generated column rewrites/,
  ],
  ['a column with a CHECK', 'ALTER TABLE orders ADD COLUMN tip int CHECK (tip > 0)', /constraint is proved/],
  [
    'a column with a reference and a default',
    'ALTER TABLE orders ADD COLUMN shop int DEFAULT 1 REFERENCES shops',
    /constraint is proved/,
  ],
  ['an index', 'CREATE INDEX i ON orders (customer_id)', /keeps writers out/],
  ['a unique index, which duplicates fail', 'CREATE UNIQUE INDEX i ON orders (ordered_at)', /keeps writers out/],
  ['a dropped index', 'DROP INDEX orders_by_customer', /index is dropped/],
  ['a rebuilt index', 'REINDEX INDEX orders_pkey', /index is rebuilt/],
  ['a rebuilt table of indexes', 'REINDEX TABLE orders', /index is rebuilt/],
  ['NOT NULL in one step', 'ALTER TABLE orders ALTER COLUMN cents SET NOT NULL', /NOT NULL is proved/],
  ['NOT NULL as a constraint', 'ALTER TABLE orders ADD CONSTRAINT c NOT NULL cents', /NOT NULL is proved/],
  [
    'NOT NULL whose CHECK nobody validated',
    'ALTER TABLE orders ADD CONSTRAINT c CHECK (cents IS NOT NULL) NOT VALID; ALTER TABLE orders ALTER cents SET NOT NULL',
    /NOT NULL is proved/,
  ],
  [
    'NOT NULL whose proof is of another column',
    'ALTER TABLE orders ADD CONSTRAINT c CHECK (id IS NOT NULL), ALTER cents SET NOT NULL',
    /NOT NULL is proved/,
  ],
  [
    'a foreign key in one step',
    'ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (shop) REFERENCES shops',
    /constraint is proved/,
  ],
  ['a CHECK in one step', 'ALTER TABLE orders ADD CONSTRAINT c CHECK (cents > 0)', /constraint is proved/],
  [
    'VALIDATE in the transaction of its constraint',
    'ALTER TABLE orders ADD CONSTRAINT c CHECK (cents > 0) NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT c',
    /while the transaction still has a lock/,
  ],
  ['a primary key', 'ALTER TABLE visits ADD PRIMARY KEY (id)', /unique index is built/],
  ['an exclusion constraint', 'ALTER TABLE visits ADD EXCLUDE USING gist (at WITH =)', /unique index is built/],
  ['a new type', 'ALTER TABLE orders ALTER COLUMN cents TYPE bigint', /may rewrite/],
  ['a dropped column', 'ALTER TABLE orders DROP COLUMN cents', /dropped/],
  ['a dropped table', 'DROP TABLE visits', /dropped/],
  ['a renamed column', 'ALTER TABLE orders RENAME COLUMN cents TO amount', /name changes/],
  ['a renamed table', 'ALTER TABLE orders RENAME TO purchases', /name changes/],
  ['a backfill in one statement', 'UPDATE orders SET shop = 1', /all rows are changed/],
  ['a backfill of what is null', 'UPDATE orders SET shop = 1 WHERE shop IS NULL', /all rows are changed/],
  [
    'a backfill beside its column',
    'ALTER TABLE orders ADD COLUMN shop int; UPDATE orders SET shop = 1 WHERE id < 5000',
    /while the transaction still has a lock/,
  ],
  ['DELETE of all rows', 'DELETE FROM visits', /all rows are changed/],
  ['TRUNCATE', 'TRUNCATE visits', /all rows go/],
  ['VACUUM FULL', 'VACUUM FULL orders', /rewritten/],
  ['CLUSTER', 'CLUSTER orders USING orders_pkey', /rewritten/],
  ['a table that becomes unlogged', 'ALTER TABLE orders SET UNLOGGED', /rewritten/],
  ['LOCK TABLE', 'LOCK TABLE orders', /whole table is locked/],
  ['LOCK TABLE against writers', 'LOCK TABLE orders, visits IN SHARE MODE', /whole table is locked/],
  [
    'two tables in one transaction',
    'ALTER TABLE orders ADD COLUMN a int; ALTER TABLE visits ADD COLUMN a int',
    /second table is locked/,
  ],
  ['a refreshed view', 'REFRESH MATERIALIZED VIEW daily', /view is refreshed/],
];

const harmless: [name: string, ...files: string[]][] = [
  ['a column', 'ALTER TABLE orders ADD COLUMN note text'],
  ['a column with a constant default', "ALTER TABLE orders ADD COLUMN state text NOT NULL DEFAULT 'open'"],
  ['a column with the time as its default', 'ALTER TABLE orders ADD COLUMN seen_at timestamptz DEFAULT now()'],
  ['a column that refers to a table and is null', 'ALTER TABLE orders ADD COLUMN shop int REFERENCES shops'],
  [
    'a column that is computed when read',
    'ALTER TABLE orders ADD COLUMN euros int GENERATED ALWAYS AS (cents / 100) VIRTUAL',
  ],
  ['an index CONCURRENTLY', 'CREATE INDEX CONCURRENTLY i ON orders (customer_id)'],
  [
    'a unique constraint from its index',
    'CREATE UNIQUE INDEX CONCURRENTLY i ON visits (at)',
    'ALTER TABLE visits ADD CONSTRAINT u UNIQUE USING INDEX i',
  ],
  ['an index dropped CONCURRENTLY', 'DROP INDEX CONCURRENTLY orders_by_customer'],
  ['an index rebuilt CONCURRENTLY', 'REINDEX INDEX CONCURRENTLY orders_pkey'],
  [
    'a CHECK in two steps',
    'ALTER TABLE orders ADD CONSTRAINT c CHECK (cents > 0) NOT VALID',
    'ALTER TABLE orders VALIDATE CONSTRAINT c',
  ],
  [
    'a foreign key in two steps',
    'ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (shop) REFERENCES shops NOT VALID',
    'ALTER TABLE orders VALIDATE CONSTRAINT f',
  ],
  [
    'NOT NULL with its proof',
    'ALTER TABLE orders ADD CONSTRAINT c CHECK (cents IS NOT NULL) NOT VALID',
    'ALTER TABLE orders VALIDATE CONSTRAINT c',
    'ALTER TABLE orders ALTER COLUMN cents SET NOT NULL; ALTER TABLE orders DROP CONSTRAINT c',
  ],
  ['a packet of rows', 'UPDATE orders SET shop = 1 WHERE id BETWEEN 1 AND 1000'],
  ['a new default', 'ALTER TABLE orders ALTER COLUMN cents SET DEFAULT 0'],
  ['what is stored how', 'ALTER TABLE orders ALTER COLUMN note SET STORAGE EXTERNAL'],
  ['statistics', 'ALTER TABLE orders ALTER COLUMN cents SET STATISTICS 500; ANALYZE orders'],
  ['VACUUM', 'VACUUM orders'],
  ['two tables, a file each', 'ALTER TABLE orders ADD COLUMN a int', 'ALTER TABLE visits ADD COLUMN a int'],
  ['a lock that keeps no reader and no writer out', 'LOCK TABLE orders IN SHARE UPDATE EXCLUSIVE MODE'],
  [
    'whatever happens to a new table',
    'CREATE TABLE shops (id int); INSERT INTO shops SELECT 1; CREATE INDEX i ON shops (id); ALTER TABLE shops ADD PRIMARY KEY (id); UPDATE shops SET id = 2',
  ],
];

describe('a planted hazard', () => {
  it.each(hazards)('is found: %s', async (_, text, says) => {
    const found = await foundIn(`-- a comment\n${text}`);
    expect(found.filter((one) => says.test(one))).toHaveLength(1);
    // With the place of its statement.
    expect(found.every((one) => one.startsWith('002_x.up.sql:2: '))).toBe(true);
  });
});

describe('a harmless migration', () => {
  it.each(harmless)('is left alone: %s', async (_, ...files) => {
    expect(await foundIn(...files)).toEqual([]);
  });
});
