import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BookkeepingRow } from '../../src/migrate/bookkeeping.ts';
import type { Migration } from '../../src/migrate/files.ts';
import { compareState, planDown, planUp } from '../../src/migrate/plan.ts';

function migration(version: string, sha256 = 'same'): Migration {
  const script = { path: `${version}.sql`, text: '', statements: [], transactional: true };
  return { version, name: 'm', sha256, up: script, down: script };
}

function row(version: string, state: BookkeepingRow['state'] = 'applied'): BookkeepingRow {
  const at = new Date('2026-01-02T03:04:05Z');
  const progress = { statements: 2, statementsDone: 1, startedAt: at, appliedAt: at, durationMs: 7 };
  return { version, name: 'm', sha256: 'same', state, ...progress };
}

const files = ['001', '002', '003'].map((version) => migration(version));
const versions = (plan: readonly Migration[]) => plan.map((one) => one.version);

describe('planUp', () => {
  test.for<[string[], string | undefined, string[]]>([
    [[], undefined, ['001', '002', '003']],
    [[], '002', ['001', '002']],
    [['001'], '002', ['002']],
    [['001', '002'], '002', []],
    [['1'], undefined, ['002', '003']],
    [['001', '002', '003'], undefined, []],
  ])('from %j to %s: %j', ([applied, target, expected]) => {
    expect(
      versions(
        planUp(
          files,
          applied.map((version) => row(version)),
          target,
        ),
      ),
    ).toEqual(expected);
  });

  test.for<[BookkeepingRow[], string | undefined, RegExp]>([
    [[row('001'), row('002')], '001', /is at version 002, beyond 001/],
    [[row('001'), row('003')], undefined, /002_m is not applied, but the later 003_m is/],
    [[row('001'), row('004')], undefined, /004_m is applied, but its files are gone/],
    [
      [row('001', 'applying')],
      undefined,
      /001_m was started at 2026-01-02T03:04:05.000Z and did not end: 1 of the file's 2/,
    ],
    [[row('001', 'reverting')], undefined, /001_m began to be reverted/],
    [[{ ...row('001'), sha256: 'other' }], undefined, /001_m changed after it was applied: .*\(001.sql\)/],
  ])('refuses %#', ([rows, target, message]) => {
    expect(() => planUp(files, rows, target)).toThrow(message);
  });
});

describe('planDown', () => {
  test('takes nothing back where one cannot be, and all above it where that one stays', () => {
    const { down: _, ...upOnly } = files[1]!;
    const mixed = [files[0]!, upOnly, files[2]!];
    const applied = ['001', '002', '003'].map((version) => row(version));
    expect(() => planDown(mixed, applied, '001')).toThrow('Migration 002_m has no down file');
    expect(versions(planDown(mixed, applied, '002'))).toEqual(['003']);
  });

  test("orders Flyway's versions as numbers", () => {
    const flyway = ['1', '1.9', '1.10', '2'].map((version) => migration(version));
    const applied = ['1', '1.9', '1.10'].map((version) => row(version));
    expect(versions(planUp(flyway, applied, undefined))).toEqual(['2']);
    expect(versions(planDown(flyway, applied, '1.0'))).toEqual(['1.10', '1.9']);
  });

  test.for<[BookkeepingRow[], string, string[]]>([
    [[], '0', []],
    [[row('001'), row('002'), row('003')], '0', ['003', '002', '001']],
    [[row('001'), row('002'), row('003')], '002', ['003']],
    [[row('001'), row('002', 'applying')], '001', ['002']],
    [[row('001'), row('002', 'reverting')], '002', []],
  ])('%#', ([rows, target, expected]) => {
    expect(versions(planDown(files, rows, target))).toEqual(expected);
  });

  test.for<[BookkeepingRow[], string, RegExp]>([
    [[row('001')], '002', /is at version 001, below 002/],
    [[], '001', /has no migration, below 001/],
    [[row('004', 'applying')], '0', /004_m is applied, but its files are gone/],
  ])('refuses %#', ([rows, target, message]) => {
    expect(() => planDown(files, rows, target)).toThrow(message);
  });

  test('is the way back of planUp, from any version to any lower one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 }), (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const rows = (count: number) => files.slice(0, count).map(({ version }) => row(version));
        const up = versions(planUp(files, rows(low), high === 0 ? '0' : files[high - 1]!.version));
        expect(versions(planDown(files, rows(high), String(low)))).toEqual(up.toReversed());
      }),
    );
  });
});

test('compareState lists what files and database know, each with its state', () => {
  const rows = [
    row('001'),
    { ...row('002'), sha256: 'other' },
    { ...row('004', 'applying'), appliedAt: null, durationMs: null },
  ];
  const all = [...files, migration('004'), migration('005')];
  expect(compareState(all, [...rows, row('006')]).map(({ version, state }) => [version, state])).toEqual([
    ['001', 'applied'],
    ['002', 'changed'],
    ['003', 'pending'],
    ['004', 'unfinished'],
    ['005', 'pending'],
    ['006', 'missing'],
  ]);
  expect(compareState(all, rows)[0]).toMatchObject({ appliedAt: '2026-01-02T03:04:05.000Z', durationMs: 7 });
});
