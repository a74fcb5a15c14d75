/** Which repeats there are, and how the report tells beside whom each was. */
import { describe, expect, it } from 'vitest';
import { adversaries } from '../../src/live-migration/record.ts';
import { repeatsOf, type LiveRequest } from '../../src/live-migration/request.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { defaultBudgets } from '../../src/scenario.ts';
import { liveMigration, statement } from './live-migration-fixture.ts';
import { buildResult } from './result-fixture.ts';

const request: LiveRequest = {
  budgets: defaultBudgets,
  repeats: 2,
  beforeMs: 1,
  afterMs: 1,
  longestMigrationMs: 1000,
  down: false,
  killPoints: 0,
  interleavings: { first: 1, count: 0 },
  project: new Map(),
};
const kindsOf = (adversary: LiveRequest['adversary']) =>
  repeatsOf({ ...request, ...(adversary && { adversary }) }).map((repeat) => repeat.adversary?.kind);

describe('repeatsOf', () => {
  it('has as many as were asked for, with whom was asked for', () => {
    expect(kindsOf(undefined)).toEqual([undefined, undefined]);
    expect(kindsOf({ kind: 'copy', holdMs: 5 })).toEqual(['copy', 'copy']);
    expect(repeatsOf({ ...request, adversary: { kind: 'copy', holdMs: 5 } })[1]!.adversary).toEqual({
      kind: 'copy',
      holdMs: 5,
    });
  });

  it('has all of them with nobody first, and then with each', () => {
    const twice = [undefined, ...adversaries].flatMap((kind) => [kind, kind]);
    expect(kindsOf({ kind: 'each', holdMs: 5 })).toEqual(twice);
  });
});

it('the report says beside whom each repeat was', async () => {
  const live = liveMigration([statement('ALTER TABLE t ADD COLUMN a int')]);
  live.adversary = 'each';
  live.repeats.push({ ...live.repeats[0]!, adversary: 'writer' });
  const { markdown } = await renderMarkdown({ ...buildResult(), liveMigration: live });
  expect(markdown).toContain('beside nobody, and then a reader in an open transaction, or a writer');
  expect(markdown).toMatch(/^\| 1 \| 1.1 s/m);
  expect(markdown).toMatch(/^\| 2, writer \| 1.1 s/m);
});
