/** Hazards that only a load shows, several in one rehearsal each, and harmless migrations that pass: all by the budgets' own words. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isConfirmed } from '../../src/live-migration/advice.ts';
import type { LiveRepeat } from '../../src/live-migration/record.ts';
import { readResult } from '../../src/result-file.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';
import { writeShop } from './shop-with.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  temporary = await temporaryFolder();
});
afterAll(() => temporary[Symbol.asyncDispose]());

const short = ['--scale', '0.1', '--repeats', '1', '--before', '1s', '--after', '1s'];
const pause = 'SELECT pg_sleep(0.4)';

/** The shop whose migrations from the second on are these, rehearsed. */
async function rehearsed(name: string, files: readonly string[], ...flags: string[]) {
  const folder = join(temporary.path, name);
  const scenario = await writeShop(
    folder,
    files.map((up) => [up, 'SELECT 1']),
  );
  const out = join(folder, 'run');
  const args = ['rehearse', scenario, ...short, ...flags, '--out', out];
  const { exitCode } = await pgrehearse(args, join(temporary.path, 'cache'));
  const { liveMigration: live, verdict } = await readResult(out);
  const gates = verdict!.gates.filter(({ name }) => name === 'budget');
  return {
    live: live!,
    // squawk may be missing here, and warns of more with every version.
    findings: live!.findings.filter(({ by }) => by === undefined),
    repeat: live!.repeats[0]!,
    exitCode,
    exceeded: gates
      .filter(({ outcome }) => outcome === 'fail')
      .map(({ reason }) => reason)
      .join('\n'),
  };
}

const waitedFor = ({ statements }: LiveRepeat): string[] => statements.flatMap(({ blockers }) => blockers);

describe('under load', () => {
  it('breaks statements that run: a new type under a prepared statement, a column and a table that go', async () => {
    const { live, findings, repeat, exceeded } = await rehearsed('breaks', [
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

  it('leaves an invalid index where CREATE INDEX CONCURRENTLY gave up waiting for a COPY', async () => {
    const { repeat, exceeded } = await rehearsed(
      'leaves',
      ['CREATE INDEX CONCURRENTLY orders_by_customer ON orders (customer_id)'],
      '--adversary=copy',
      '--hold=5s',
      '--lock-timeout=200ms',
    );
    expect(waitedFor(repeat)).toContain('adversary: copy (active)');
    expect(repeat.invalidIndexes).toEqual(['orders_by_customer']);
    expect(exceeded).toContain('1 invalid index or constraint left');
    expect(exceeded).toContain('lock timeout');
  });

  it('stops everybody with a lock that is kept while rows are worked on, and says which budgets that exceeds', async () => {
    const { live, findings, repeat, exceeded } = await rehearsed(
      'keeps',
      ['LOCK TABLE orders IN SHARE MODE; LOCK TABLE orders, visits; SELECT pg_sleep(0.7)'],
      '--adversary=writer',
      '--hold=500ms',
      '--max-blocked=500ms',
    );
    // Not only for the row that it locked: SHARE waits for whoever may change rows.
    expect(repeat.statements[0]!.blockers).toContain('adversary: writer (idle in transaction)');
    expect(exceeded).toContain('no transaction was completed for');
    expect(exceeded).toContain('client sessions were blocked for');
    expect(exceeded).toContain('a lock that keeps others out was held for');
    expect(findings.map((finding) => isConfirmed(finding, live))).toEqual([true, true, true]);
  });

  it('lets harmless migrations pass', async () => {
    const { findings, repeat, exceeded, exitCode } = await rehearsed('harmless', [
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

  it('waits for a VACUUM that gives way to nobody', async () => {
    const text = 'ALTER TABLE orders ALTER COLUMN cents SET STATISTICS 200';
    const { repeat } = await rehearsed('vacuum', [text], '--adversary=autovacuum', '--hold=1s');
    expect(repeat.outcome).toBe('applied');
    expect(waitedFor(repeat)).toContain('adversary: autovacuum (active)');
  });
});
