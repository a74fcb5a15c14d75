/** Warnings with the size of their tables and the traffic that needs them. */
import { describe, expect, it } from 'vitest';
import { withExposure } from '../../src/live-migration/exposure.ts';
import { findingsOf } from '../../src/live-migration/findings.ts';
import type { Migration } from '../../src/migrate.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { splitStatements } from '../../src/sql.ts';
import { liveMigration, statement } from './live-migration-fixture.ts';
import { buildResult } from './result-fixture.ts';

/** Orders are read by three of four transactions, visits written by one, shops by none. */
const rows: Record<string, number> = { orders: 5000, shops: 7 };
const read = {
  statements: { a: 'SELECT * FROM orders WHERE id = $1', b: 'SELECT count(*) FROM orders o', c: 'SELEC 1' },
};
const plan = {
  folder: '/project',
  scenario: {
    workload: { transactions: { read, write: { statements: { a: 'INSERT INTO visits (id) VALUES ($1)' } } } },
  },
  stages: [{ spec: { name: 'before' } }],
  offered: [
    { name: 'read', weight: 3 },
    { name: 'write', weight: 1 },
  ],
  catalog: { tables: () => Object.keys(rows), rows: (table: string) => rows[table] },
} as unknown as Parameters<typeof withExposure>[2];

async function found(text: string) {
  const up = {
    path: '/project/migrations/002_x.up.sql',
    statements: await splitStatements(text),
    transactional: false,
  };
  const migrations = [{ up } as unknown as Migration];
  return withExposure(findingsOf(migrations, '/project'), migrations, plan);
}

describe('withExposure', () => {
  it.each([
    ['CREATE INDEX i ON orders (a)', { table: 'orders', rows: 5000, share: 0.75 }],
    ['ALTER TABLE visits DROP COLUMN a', { table: 'visits', share: 0.25 }],
    ['UPDATE shops SET a = 1', { table: 'shops', rows: 7, share: 0 }],
    // A foreign key locks both tables.
    [
      'ALTER TABLE shops ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES orders',
      { table: 'orders', rows: 5000, share: 0.75 },
    ],
  ])('tells what is at stake with %s', async (text, exposure) => {
    const [finding] = await found(text);
    expect(finding!.exposure).toEqual(exposure);
  });

  it('says nothing of tables that nobody knows', async () => {
    const [finding] = await found('CREATE INDEX i ON elsewhere (a)');
    expect(finding).not.toHaveProperty('exposure');
  });
});

it('the report tells it beside the rule', async () => {
  const findings = await found('CREATE INDEX i ON orders (a)');
  const live = { ...liveMigration([statement('CREATE INDEX i ON orders (a)')]), findings };
  const { markdown } = await renderMarkdown({ ...buildResult(), liveMigration: live });
  expect(markdown).toContain('keeps writers out (orders: 5,000 rows, in 75 % of the transactions) |');
});
