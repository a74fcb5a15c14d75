/** The verdict on the way back: it must lead to where it began, and the way there must be open again. */
import { describe, expect, it } from 'vitest';
import type { LiveRepeat } from '../../src/live-migration/record.ts';
import { judge } from '../../src/verdict.ts';
import { liveMigration, statement } from './live-migration-fixture.ts';
import { buildResult } from './result-fixture.ts';

/** A way back of which this is known. */
function judged(change: Partial<LiveRepeat>) {
  const live = liveMigration([statement('ALTER TABLE t ADD COLUMN a int')]);
  live.downs = [{ ...live.repeats[0]!, ...change }];
  const { exitCode, gates } = judge({ ...buildResult(), liveMigration: live });
  return { exitCode, reason: gates.find(({ reason }) => /taken back|taking|applied again/.test(reason))!.reason };
}

const round = { notRestored: [], differs: [] };

describe('the way back', () => {
  it('passes where it leads back, and there again', () => {
    expect(judged({ roundTrip: round })).toEqual({
      exitCode: 0,
      reason: 'the migration was taken back to "before" in 1 repeat, and could be applied again.',
    });
  });

  it('passes in results from before it was applied again', () => {
    expect(judged({})).toEqual({ exitCode: 0, reason: 'the migration was taken back to "before" in 1 repeat.' });
  });

  it.each([
    ['failed', { outcome: 'failed', error: 'no\nmore' } as const, 'taking the migration back to "before" failed: no'],
    [
      'left something',
      { roundTrip: { ...round, notRestored: ['extra: index i', 'x'] } },
      'taken back, the schema is not that of "before": extra: index i.',
    ],
    [
      'cannot be repeated',
      { roundTrip: { ...round, error: 'exists\nalready' } },
      'taken back, the migration cannot be applied again: exists',
    ],
    [
      'makes something else',
      { roundTrip: { ...round, differs: ['missing: column a'] } },
      'applied again, the migration makes another schema: missing: column a.',
    ],
  ])('fails where it %s', (_, change, reason) => {
    expect(judged(change)).toEqual({ exitCode: 1, reason });
  });
});
