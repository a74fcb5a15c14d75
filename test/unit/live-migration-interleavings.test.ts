/** The search for deadlocks: its pauses, its gate, its words. */
import { describe, expect, it } from 'vitest';
import { withPauses } from '../../src/live-migration/interleavings.ts';
import type { LiveMigration } from '../../src/live-migration/record.ts';
import type { Migration } from '../../src/migrate.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { splitStatements } from '../../src/sql.ts';
import { judge } from '../../src/verdict.ts';
import { liveMigration } from './live-migration-fixture.ts';
import { buildResult } from './result-fixture.ts';

async function file(text: string): Promise<Migration> {
  return {
    version: '002',
    up: { statements: await splitStatements(text), transactional: true },
  } as unknown as Migration;
}

describe('withPauses', () => {
  it('puts a seeded pause between the statements of each file, and none before the first', async () => {
    const migrations = [await file('SELECT 1; SELECT 2; SELECT 3'), await file('SELECT 4; SELECT 5')];
    const texts = (seed: number) => withPauses(migrations, seed).map(({ up }) => up.statements.map(({ text }) => text));
    expect(texts(1)).toEqual(texts(1));
    expect(texts(1)).not.toEqual(texts(2));
    const pause = /^SELECT pg_sleep\(0\.\d{3}\)$/;
    const [first, second] = texts(1) as [string[], string[]];
    expect(first.map((text) => (pause.test(text) ? 'pause' : text))).toEqual([
      'SELECT 1',
      'pause',
      'SELECT 2',
      'pause',
      'SELECT 3',
    ]);
    expect(second.filter((text) => pause.test(text))).toHaveLength(1);
    expect(new Set([...first, ...second].filter((text) => pause.test(text))).size).toBe(3);
  });
});

const searched = (deadlocks: NonNullable<LiveMigration['interleavings']>['deadlocks']): LiveMigration => ({
  ...liveMigration([]),
  interleavings: { first: 1, tried: 20, deadlocks },
});
const deadlock = { seed: 7, victim: 'load', migration: 'ALTER TABLE "<b>" ADD a int', other: 'UPDATE t' } as const;

describe('a search for deadlocks', () => {
  it('passes when it found none, and says how many it tried', () => {
    const verdict = judge({ ...buildResult(), liveMigration: searched([]) });
    expect(verdict.exitCode).toBe(0);
    expect(verdict.gates.at(-1)!.reason).toBe('no deadlock in 20 interleavings.');
  });

  it('fails with the two statements, and tells how to have them again', async () => {
    const result = { ...buildResult(), liveMigration: searched([deadlock]) };
    expect(judge(result).exitCode).toBe(1);
    expect(judge(result).reason).toContain('"UPDATE t" deadlock (interleaving 7)');
    const { markdown } = await renderMarkdown(result);
    expect(markdown).toMatch(
      /\| 7 \| ALTER TABLE .* \| UPDATE t \| the transaction \| `--interleavings 1 --first-interleaving 7` \|/,
    );
    expect(markdown).not.toContain('<b>');
  });
});
