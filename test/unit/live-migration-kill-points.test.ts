/** Migrations ended by force: where the blows fall, what is compared, and how it is judged and told. */
import { array, assert, double, integer, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pointInTime } from '../../src/live-migration/kill-points.ts';
import { columnsThatDiffer, differences } from '../../src/live-migration/portrait.ts';
import type { KillPoint, LiveMigration } from '../../src/live-migration/record.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { judge } from '../../src/verdict.ts';
import { liveMigration } from './live-migration-fixture.ts';
import { buildResult } from './result-fixture.ts';

describe('pointInTime', () => {
  const durations = array(double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });

  it('lies within its statement, and is the same for the same seed', () => {
    assert(
      property(durations, nat(50), integer({ min: 1, max: 50 }), nat(), (each, number, more, seed) => {
        const statements = each.map((endMs) => ({ startMs: 0, endMs }));
        const point = pointInTime(statements, number, number + more, seed);
        expect(point.afterMs).toBeGreaterThanOrEqual(0);
        expect(point.afterMs).toBeLessThanOrEqual(each[point.statement]!);
        expect(pointInTime(statements, number, number + more, seed)).toEqual(point);
      }),
    );
  });

  it('visits every statement where there are as many points, and other instants with another seed', () => {
    const statements = Array.from({ length: 7 }, () => ({ startMs: 100, endMs: 200 }));
    const visited = (seed: number) => statements.map((_, at) => pointInTime(statements, at, 7, seed));
    expect(visited(1).map(({ statement }) => statement)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(visited(1)).not.toEqual(visited(2));
  });
});

describe('differences', () => {
  it('are lines that one of the two has', () => {
    expect(differences(['a', 'b'], ['b', 'c'])).toEqual(['missing: a', 'extra: c']);
    expect(differences(['a'], ['a'])).toEqual([]);
  });

  it('leave out columns of the clock', () => {
    const [a, b] = [
      new Map([
        ['t.id', '1'],
        ['t.at', '2'],
      ]),
      new Map([
        ['t.id', '1'],
        ['t.at', '3'],
      ]),
    ];
    expect([...columnsThatDiffer(a, b)]).toEqual(['t.at']);
  });
});

const mended: KillPoint = {
  kind: 'runner',
  migration: '002_x',
  file: 'migrations/002_x.up.sql',
  line: 1,
  text: 'CREATE INDEX CONCURRENTLY i ON "<b>" (a)',
  afterMs: 12,
  hit: true,
  left: ['invalid index i'],
  recovery: 'taken back and run again',
  recoveryMs: 340,
  faults: [],
  dataFaults: [],
};

const judged = (...killPoints: KillPoint[]) => judge({ ...buildResult(), liveMigration: withPoints(killPoints) });
const withPoints = (killPoints: KillPoint[]): LiveMigration => ({ ...liveMigration([]), killPoints });

describe('the verdict on a migration that was ended by force', () => {
  it('passes when it was mended to what it is undisturbed', () => {
    expect(judged(mended).exitCode).toBe(0);
    expect(
      judged(mended)
        .gates.map(({ reason }) => reason)
        .join(),
    ).toContain('mended within 340 ms');
  });

  it.each([
    ['a half state', { faults: ['missing: column public.orders.note text'] }, 1],
    ['a second run that fails', { recovery: 'failed', faults: ['index "i" does not exist\nhint'] }, 1],
    ['rows that differ', { dataFaults: ['missing: orders: 10 rows'], faults: ['x'] }, 6],
  ] as [string, Partial<KillPoint>, number][])('does not pass %s', (_, change, exitCode) => {
    expect(judged(mended, { ...mended, ...change }).exitCode).toBe(exitCode);
  });

  it('puts lost rows above a budget that is exceeded', () => {
    const live = withPoints([{ ...mended, dataFaults: ['missing: orders: 10 rows'], faults: ['x'] }]);
    const invalidIndexes = live.repeats.map((repeat) => ({ ...repeat, invalidIndexes: ['i'] }));
    expect(judge({ ...buildResult(), liveMigration: { ...live, repeats: invalidIndexes } }).exitCode).toBe(6);
  });

  it('is told in a table', async () => {
    const live = withPoints([mended, { ...mended, hit: false, recovery: 'failed', faults: ['no <i>index</i>\nhint'] }]);
    const { markdown } = await renderMarkdown({ ...buildResult(), liveMigration: live });
    expect(markdown).toContain('## Ended by force');
    expect(markdown).toMatch(
      /kill -9 of the runner \| migrations\/002_x.up.sql:1.* \| invalid index i \| taken back and run again \| 340 ms \| as undisturbed/,
    );
    expect(markdown).toMatch(/too late .*\*\*failed\*\* .*no/);
    expect(markdown).not.toMatch(/<b>|<i>/);
  });
});
