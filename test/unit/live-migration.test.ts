/** What a migration did to the traffic: from samples and looks at the lock queue to figures, budgets and advice. */
import { describe, expect, it } from 'vitest';
import { adviceFor, isConfirmed } from '../../src/live-migration/advice.ts';
import { findingsOf } from '../../src/live-migration/findings.ts';
import { bucketsOf, impactOf } from '../../src/live-migration/impact.ts';
import type { LockLook } from '../../src/live-migration/lock-watch.ts';
import { heldLocks, queueOf, waitBetween } from '../../src/live-migration/queue-figures.ts';
import type { LiveRepeat } from '../../src/live-migration/record.ts';
import { relationsOf } from '../../src/live-migration/tables.ts';
import { Fate } from '../../src/load/samples.ts';
import type { Migration } from '../../src/migrate.ts';
import { annotationsOf } from '../../src/report/github.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import type { RunResult } from '../../src/result.ts';
import { splitStatements } from '../../src/sql.ts';
import { judge } from '../../src/verdict.ts';
import { liveMigration, stalled, statement } from './live-migration-fixture.ts';
import { buildResult } from './result-fixture.ts';

describe('impactOf', () => {
  it('sees the stall, who was late and by how much, and the recovery', () => {
    const { longestStallMs, usualStallMs, pastLimit, lostMs, worstMs, failed, recoveryMs } = impactOf(stalled());
    // The last answer before came at 3,992 ms.
    expect(longestStallMs).toBeCloseTo(1008, 6);
    expect(usualStallMs).toBeCloseTo(10, 6);
    // Arrivals that were due 60 ms or more before the end.
    expect(pastLimit).toBe(95);
    expect(lostMs).toBe(Array.from({ length: 95 }, (_, at) => 1000 - at * 10 - 50).reduce((sum, ms) => sum + ms, 0));
    expect([worstMs, failed, recoveryMs]).toEqual([1000, 0, 0]);
  });

  it('counts failures by their code, and says that nothing recovered', () => {
    const impact = impactOf(
      stalled((samples) => {
        for (let at = 500; at < samples.fate.length; at++) {
          samples.fate[at] = at % 2 === 0 ? Fate.failed : Fate.unfinished;
          samples.error[at] = at % 2 === 0 ? 1 : 0;
        }
      }),
    );
    // Of those unfinished, the fifty of the last second were cut off by the end of the load.
    expect(impact.errors).toEqual({ '55P03': 300, unfinished: 250 });
    expect(impact.failed).toBe(550);
    expect(impact).not.toHaveProperty('recoveryMs');
  });

  it('does not blame the migration for what the end of the load cut off', () => {
    const cut = stalled((samples) => void (samples.fate[1099] = Fate.unfinished));
    expect(impactOf(cut).failed).toBe(0);
  });

  it('adds up what two stages drove, one after the other', () => {
    const one = stalled();
    const [load] = one.loads;
    // The second begins where the first ends, and errors of each are its own.
    const failing = stalled((samples) => {
      samples.fate[200] = Fate.failed;
      samples.error[200] = 1;
    }).loads[0]!;
    const second = {
      ...failing,
      block: { ...failing.block, errors: [{ code: '42703', example: 'x' }] },
      fromMs: 10_000,
      endMs: 20_000,
    };
    const impact = impactOf({ ...one, loads: [load!, second], endMs: 20_000 });
    expect(impact).toMatchObject({ failed: 1, errors: { '42703': 1 } });
    // Both stalls, and the failure.
    expect(impact.pastLimit).toBe(95 * 2 + 1);
    expect(bucketsOf({ ...one, loads: [load!, second], endMs: 20_000 })[141]).toMatchObject({
      scheduled: 10,
      worstMs: 900,
    });
  });

  it('leaves out the warm-up and what was not offered', () => {
    const buckets = bucketsOf(stalled((samples) => samples.fate.fill(Fate.notOffered, 600)));
    expect(buckets).toHaveLength(100);
    expect(buckets.reduce((sum, { scheduled }) => sum + scheduled, 0)).toBe(500);
    expect(buckets[41]).toMatchObject({ scheduled: 10, worstMs: 900, completed: 0 });
  });
});

const look = (atMs: number, change: Partial<LockLook> = {}): LockLook => ({
  atMs,
  queued: 0,
  waiting: false,
  blockers: [],
  held: [],
  stands: false,
  ...change,
});

describe('looks at the lock queue', () => {
  const waits = { waiting: true, queued: 3, blockers: ['reader (idle in transaction)'] };
  const holds = { held: [{ relation: 'orders', mode: 'AccessExclusiveLock' }] };
  const looks = [look(0), look(20, waits), look(40, waits), look(60, holds), look(80, holds), look(100)];

  it('add up to the time that sessions were blocked, locks were held and the migration waited', () => {
    expect(queueOf(looks)).toEqual({ most: 3, blockedMs: 120 });
    expect(heldLocks(looks, 100)).toEqual([{ relation: 'orders', mode: 'AccessExclusiveLock', heldMs: 40 }]);
    expect(waitBetween(looks, 0, 100)).toEqual({ waitedMs: 40, blockers: ['reader (idle in transaction)'] });
    expect(waitBetween(looks, 30, 100).waitedMs).toBe(20);
  });

  it('stand for a tenth of a second at most where looks are missing', () => {
    expect(queueOf([look(0, waits), look(5000)]).blockedMs).toBe(300);
    expect(queueOf([])).toEqual({ most: 0, blockedMs: 0 });
  });

  it('stand until the next one, or the end of the migration, where the server watched for a change', () => {
    const watched = { ...holds, stands: true };
    expect(heldMs([look(0, watched), look(450)], 1000)).toBe(450);
    expect(heldMs([look(0, holds), look(450)], 1000)).toBe(100);
    expect(heldMs([look(0, watched)], 380)).toBe(380);
    expect(heldMs([look(0, holds)], 60)).toBe(60);
  });
});

/** Of the only lock. */
function heldMs(looks: readonly LockLook[], endMs: number): number {
  return heldLocks(looks, endMs)[0]!.heldMs;
}

/** What is known of some statements, in a file of their own. */
async function known(text: string): Promise<string[]> {
  const up = { path: '/project/migrations/002_x.up.sql', statements: await splitStatements(text) };
  return findingsOf([{ up } as unknown as Migration], '/project').map(
    ({ file, line, advice }) => `${file}:${line} ${advice}`,
  );
}

describe('findingsOf', () => {
  it.each([
    ['CREATE INDEX i ON t (a)', 'CONCURRENTLY'],
    ['CREATE UNIQUE INDEX i ON t (a)', 'CONCURRENTLY'],
    ['DROP INDEX i', 'CONCURRENTLY'],
    ['ALTER TABLE t ALTER COLUMN a SET NOT NULL', 'NOT VALID'],
    ['ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u', 'VALIDATE'],
    ['ALTER TABLE t ADD CHECK (a > 0)', 'VALIDATE'],
    ['ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)', 'USING INDEX'],
    ['ALTER TABLE t ALTER COLUMN a TYPE bigint', 'rewrites the table'],
    ['ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid()', 'without the default'],
    ['ALTER TABLE t ADD COLUMN a bigserial', 'without the default'],
    ['ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS IDENTITY', 'without the default'],
    ['ALTER TABLE t RENAME COLUMN a TO b', 'beside the old one'],
    ['ALTER TABLE t DROP COLUMN a', 'still names it'],
    ['UPDATE t SET a = 1', 'batches'],
    ['DELETE FROM t', 'batches'],
    ['VACUUM FULL t', 'pg_repack'],
    ['REFRESH MATERIALIZED VIEW v', 'unique index'],
  ])('knows what helps with %s', async (text, says) => {
    const found = await known(`-- a comment\n${text}`);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(says);
    expect(found[0]).toContain('migrations/002_x.up.sql:2 ');
  });

  it.each([
    'CREATE INDEX CONCURRENTLY i ON t (a)',
    'ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID',
    'ALTER TABLE t VALIDATE CONSTRAINT c',
    'ALTER TABLE t ADD COLUMN a int DEFAULT 0',
    'ALTER TABLE t ADD COLUMN a timestamptz NOT NULL DEFAULT now()',
    'ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i',
    'UPDATE t SET a = 1 WHERE id < 1000',
    'REFRESH MATERIALIZED VIEW CONCURRENTLY v',
    'CREATE TABLE t (a int); CREATE INDEX i ON t (a); ALTER TABLE t ADD CHECK (a > 0)',
  ])('leaves %s alone', async (text) => {
    expect(await known(text)).toEqual([]);
  });
});

describe('adviceFor', () => {
  const finding = { file: 'migrations/002_x.up.sql', line: 1, rule: 'r', advice: 'Mend it.' };

  it('is what is known of statements that took their time', () => {
    const slow = { ...liveMigration([statement('UPDATE t SET a = 1')]), findings: [finding] };
    expect(adviceFor(slow).map(({ advice }) => advice)).toEqual(['Mend it.']);
    expect(isConfirmed(finding, slow)).toBe(true);
    const quick = { ...liveMigration([statement('UPDATE t SET a = 1', { endMs: 20 })]), findings: [finding] };
    expect(adviceFor(quick)).toEqual([]);
    expect(isConfirmed(finding, quick)).toBe(false);
  });

  it('sends a statement that waited to a lock_timeout, unless it has one', () => {
    const waited = liveMigration([statement('ALTER TABLE t ADD COLUMN a int', { waitedMs: 800 })]);
    expect(adviceFor(waited)[0]!.advice).toContain('lock_timeout');
    expect(adviceFor(liveMigration([statement('DROP INDEX CONCURRENTLY i', { waitedMs: 800 })]))).toEqual([]);
    expect(adviceFor({ ...waited, lockWait: { timeoutMs: 100, attempts: 3, pauseMs: 10 } })).toEqual([]);
  });
});

const judged = (change: Partial<LiveRepeat>, more: Partial<RunResult> = {}) =>
  judge({ ...buildResult(), liveMigration: liveMigration([statement('UPDATE t SET a = 1')], change), ...more });

describe('the verdict on a migration under load', () => {
  it('passes within the budgets', () => {
    expect(judged({})).toMatchObject({ outcome: 'pass', exitCode: 0 });
    expect(judged({}).reason).toContain('no transaction was completed for 1.01 s, 1.5 s allowed');
  });

  it.each([
    ['a stall', { impact: { ...impactOf(stalled()), longestStallMs: 1600 } }, 1],
    ['blocked sessions', { queue: { most: 9, blockedMs: 6000 } }, 1],
    ['failures', { impact: { ...impactOf(stalled()), failed: 1 } }, 1],
    ['a long lock', { locks: [{ relation: 't', mode: 'ShareLock', heldMs: 300 }] }, 1],
    ['an invalid index', { invalidIndexes: ['i'] }, 1],
    ['a migration that failed', { outcome: 'failed', error: 'no' }, 1],
    ['a generator that was late', { generatorLatenessP99Us: 200_000 }, 4],
  ] as const)('does not pass %s', (_, change, exitCode) => {
    expect(judged(change as Partial<LiveRepeat>).exitCode).toBe(exitCode);
  });

  it('puts broken invariants above all, and an unfinished rehearsal above a pass', () => {
    const invariant = {
      name: 'i',
      description: 'd',
      stage: 'after',
      when: 'loaded',
      holds: false,
      durationMs: 1,
    } as const;
    expect(judged({}, { invariants: [invariant] }).exitCode).toBe(6);
    expect(judged({ generatorLatenessP99Us: 200_000 }, { invariants: [invariant] }).exitCode).toBe(6);
    expect(judged({}, { status: 'interrupted' }).exitCode).toBe(3);
  });

  it('judges the worst repeat', () => {
    const two = liveMigration([statement('UPDATE t SET a = 1')]);
    two.repeats.push({ ...two.repeats[0]!, queue: { most: 1, blockedMs: 9000 } });
    expect(judge({ ...buildResult(), liveMigration: two }).exitCode).toBe(1);
  });

  it('is told on one page, with what would help', async () => {
    const rehearsed = liveMigration([statement('CREATE INDEX i ON "<b>|x" (a)')]);
    rehearsed.findings = [
      { file: 'migrations/002_x.up.sql', line: 1, rule: 'an <i>index</i>', advice: 'CONCURRENTLY.' },
    ];
    const { markdown, files } = await renderMarkdown({ ...buildResult(), liveMigration: rehearsed });
    expect(markdown).toContain('## What would help\n\n- migrations/002_x.up.sql:1: CONCURRENTLY.');
    expect(markdown).toMatch(/\| migrations\/002_x\.up\.sql:1 \| .* \| \*\*confirmed\*\* \|/);
    expect(markdown).not.toMatch(/<b>|<i>/);
    expect(Object.keys(files)).toEqual(['migration-over-time.svg', 'migration-throughput.svg']);
  });
});

describe('annotations of a migration under load', () => {
  it('stand at the statement that took its time, and at what was known to hurt and did', () => {
    const quick = statement('ALTER TABLE t ADD COLUMN a int', { line: 3, endMs: 10 });
    const slow = statement('UPDATE t SET a = 1', { line: 7 });
    const finding = { file: slow.file, line: 7, rule: 'all rows are changed', advice: 'Batches.' };
    const cleared = { ...finding, line: 3 };
    const impact = { ...impactOf(stalled()), longestStallMs: 1600 };
    const rehearsed = { ...liveMigration([quick, slow], { impact }), findings: [cleared, finding] };
    const annotations = annotationsOf({ ...buildResult(), liveMigration: rehearsed });
    expect(annotations.map(({ level, line }) => [level, line])).toEqual([
      ['error', 7],
      ['warning', 7],
    ]);
    expect(annotations[1]!.message).toBe('All rows are changed. Batches.');
  });
});

describe('relationsOf', () => {
  it('names what the statements name', async () => {
    const text =
      'ALTER TABLE orders ADD COLUMN a int; UPDATE visits SET at = now() FROM customers; CREATE INDEX i ON orders (a)';
    const migration = { up: { statements: await splitStatements(text) } } as unknown as Migration;
    expect(relationsOf([migration]).sort((a, b) => (a < b ? -1 : 1))).toEqual(['customers', 'orders', 'visits']);
  });
});
