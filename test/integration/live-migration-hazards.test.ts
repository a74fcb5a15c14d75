/** Hazards that only a load shows, several in one rehearsal each, and harmless migrations that pass: all by the budgets' own words. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isConfirmed } from '../../src/live-migration/advice.ts';
import type { LiveRepeat } from '../../src/live-migration/record.ts';
import type { LiveRequest } from '../../src/live-migration/request.ts';
import { temporaryFolder } from './postgres.ts';
import { placesIn, rehearsed, usual } from './rehearsed.ts';
import { writeShop } from './shop-with.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  temporary = await temporaryFolder();
});
afterAll(() => temporary[Symbol.asyncDispose]());

const pause = 'SELECT pg_sleep(0.2)';

/** The shop whose migrations from the second on are these, rehearsed. */
async function shopWith(name: string, files: readonly string[], change: Partial<LiveRequest> = {}) {
  const place = placesIn(temporary.path)(name);
  const scenario = await writeShop(
    place.folder,
    files.map((up) => [up, 'SELECT 1']),
  );
  const done = await rehearsed(scenario, place, change);
  // squawk may be missing here, and warns of more with every version.
  return { ...done, findings: done.live.findings.filter(({ by }) => by === undefined) };
}

const waitedFor = ({ statements }: LiveRepeat): string[] => statements.flatMap(({ blockers }) => blockers);

describe('under load', () => {
  it('breaks statements that run: a new type under a prepared statement, a column and a table that go', async () => {
    const { live, findings, repeat, exceeded } = await shopWith('breaks', [
      'ALTER TABLE orders ALTER COLUMN cents TYPE bigint',
      pause,
      'ALTER TABLE visits DROP COLUMN at',
      pause,
      'ALTER TABLE orders RENAME TO purchases',
    ]);
    expect(Object.keys(repeat.impact.errors).sort()).toEqual(['0A000', '42703', '42P01']);
    expect(exceeded).toMatch(/\d+ transactions failed, 0 allowed/);
    expect(repeat.server!.rewritten).toContain('purchases');
    // Neither the old table nor the old column is there any more.
    expect(repeat.server!.plans.map(({ transaction, after }) => [transaction, after])).toEqual([
      ['open_orders', undefined],
      ['visit', undefined],
    ]);
    expect(findings.map((finding) => [finding.line, isConfirmed(finding, live)])).toEqual([
      [1, true],
      [1, true],
      [1, true],
    ]);
  });

  // The rows are there by now. These wait for locks and for their load, and noise makes nothing of what they look for disappear.
  describe.concurrent('a migration', () => {
    it('leaves an invalid index where CREATE INDEX CONCURRENTLY gave up waiting for a COPY', async () => {
      const { repeat, exceeded } = await shopWith(
        'leaves',
        ['CREATE INDEX CONCURRENTLY orders_by_customer ON orders (customer_id)'],
        { adversary: { kind: 'copy', holdMs: 5000 }, lockWait: { timeoutMs: 200, attempts: 30, pauseMs: 500 } },
      );
      expect(waitedFor(repeat)).toContain('adversary: copy (active)');
      expect(repeat.invalidIndexes).toEqual(['orders_by_customer']);
      expect(exceeded).toContain('1 invalid index or constraint left');
      expect(exceeded).toContain('lock timeout');
    });

    it('stops everybody with a lock that is kept while rows are worked on, and says which budgets that exceeds', async () => {
      const { live, findings, repeat, exceeded } = await shopWith(
        'keeps',
        ['LOCK TABLE orders IN SHARE MODE; LOCK TABLE orders, visits; SELECT pg_sleep(0.7)'],
        { adversary: { kind: 'writer', holdMs: 1200 }, budgets: { ...usual.budgets, maxBlockedMs: 500 } },
      );
      // Not only for the row that it locked: SHARE waits for whoever may change rows.
      expect(repeat.statements[0]!.blockers).toContain('adversary: writer (idle in transaction)');
      expect(exceeded).toContain('no transaction was completed for');
      expect(exceeded).toContain('client sessions were blocked for');
      expect(exceeded).toContain('a lock that keeps others out was held for');
      expect(findings.map((finding) => isConfirmed(finding, live))).toEqual([true, true, true]);
    });

    it('waits for a VACUUM that gives way to nobody', async () => {
      const text = 'ALTER TABLE orders ALTER COLUMN cents SET STATISTICS 200';
      const { repeat } = await shopWith('vacuum', [text], { adversary: { kind: 'autovacuum', holdMs: 1200 } });
      expect(repeat.outcome).toBe('applied');
      expect(waitedFor(repeat)).toContain('adversary: autovacuum (active)');
    });
  });

  it('lets harmless migrations pass', async () => {
    const { findings, repeat, exceeded, exitCode } = await shopWith('harmless', [
      'ALTER TABLE orders ADD COLUMN note text',
      "ALTER TABLE orders ADD COLUMN state text NOT NULL DEFAULT 'open'",
      'ALTER TABLE visits ADD COLUMN seen_at timestamptz DEFAULT now()',
      'CREATE INDEX CONCURRENTLY orders_by_customer ON orders (customer_id)',
      'ALTER TABLE orders ADD CONSTRAINT positive CHECK (cents > 0) NOT VALID',
      'ALTER TABLE orders VALIDATE CONSTRAINT positive',
      "ALTER TABLE visits ADD CONSTRAINT recent CHECK (at > '2000-01-01') NOT VALID",
      'ALTER TABLE visits VALIDATE CONSTRAINT recent',
      'ALTER TABLE orders ALTER COLUMN cents SET DEFAULT 0',
      'CREATE TABLE shops (id int PRIMARY KEY); CREATE INDEX shops_again ON shops (id)',
      'UPDATE orders SET note = state WHERE id < 100',
      'REINDEX INDEX CONCURRENTLY orders_by_customer',
      'DROP INDEX CONCURRENTLY orders_by_customer',
    ]);
    expect(findings).toEqual([]);
    expect(repeat.impact.errors).toEqual({});
    expect(repeat.server).toMatchObject({ rewritten: [], plans: [] });
    // The load reads orders from end to end itself, and visits never.
    expect(repeat.server!.readWhole.map(({ table }) => table)).toEqual(['visits']);
    expect(repeat.server!.disk!.mostBytes).toBeGreaterThanOrEqual(repeat.server!.disk!.beforeBytes);
    expect(exceeded).toBe('');
    // A generator that a busy machine made late is told as such.
    expect([0, 4]).toContain(exitCode);
  });
});
