import { describe, expect, it } from 'vitest';
import { feltChange } from '../../src/live-migration/felt-change.ts';
import type { LiveRepeat } from '../../src/live-migration/record.ts';
import { withRehearsals } from '../../src/rehearsed-steps.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { decodeResult, encodeResult } from '../../src/result-file.ts';
import type { RunResult } from '../../src/result.ts';
import { liveMigration, statement } from './live-migration-fixture.ts';
import { buildResult, calmAfter, saturatedBefore } from './result-fixture.ts';

const ladder = buildResult([saturatedBefore, { ...calmAfter, stage: 'indexes' }, calmAfter]);

function rehearsal(
  from: string,
  to: string,
  change: Partial<RunResult> = {},
  repeat: Partial<LiveRepeat> = {},
): RunResult {
  const live = { ...liveMigration([statement('SELECT 1')], repeat), from, to };
  return { ...buildResult([]), liveMigration: live, ...change };
}

describe('the worst of all repeats', () => {
  const usual = liveMigration([]).repeats[0]!;
  const impact = { ...usual.impact, longestStallMs: 9000, failed: 2, errors: { '40P01': 2 } };

  it('takes each figure from the repeat that has most of it', () => {
    const other: LiveRepeat = { ...usual, migrationEndMs: 4000, impact, queue: { most: 1, blockedMs: 5 }, retries: 3 };
    expect(feltChange([usual, other])).toMatchObject({
      repeats: 2,
      applied: true,
      migrationMs: 1100,
      longestStallMs: 9000,
      failed: 2,
      errors: ['40P01'],
      blockedMs: 120,
      retries: 3,
    });
  });

  it('was not applied where one repeat failed, and tells no stall of what the load does not do', () => {
    const stalls = [{ access: 'read' as const, longestMs: 40, usualMs: 4 }];
    const reading = { ...usual.impact, stalls };
    const felt = feltChange([
      { ...usual, impact: reading },
      { ...usual, impact: reading, outcome: 'failed' },
    ]);
    expect(felt).toMatchObject({ applied: false, readStallMs: 40 });
    expect(felt).not.toHaveProperty('writeStallMs');
  });
});

describe('rehearsals beside their ladder', () => {
  const first = rehearsal('before', 'indexes', { startedAt: '2026-11-21T01:00:00.000Z' });
  const second = rehearsal('indexes', 'after', { startedAt: '2026-11-21T02:00:00.000Z' });

  it('are told in the order of the stages, the latest of each step, and survive the file', async () => {
    const older = rehearsal('indexes', 'after', { startedAt: '2026-11-20T02:00:00.000Z' }, { migrationEndMs: 99_000 });
    const result = withRehearsals(ladder, [second, older, first]);
    expect(result.rehearsedSteps!.map(({ from, to, migrationMs }) => [from, to, migrationMs])).toEqual([
      ['before', 'indexes', 1100],
      ['indexes', 'after', 1100],
    ]);
    expect(decodeResult(encodeResult(result), 'it').rehearsedSteps).toEqual(result.rehearsedSteps);
    const { markdown } = await renderMarkdown(result);
    expect(markdown).toMatch(
      /### The steps, inside of the load\n[^]*\| before to indexes \| 1,000\/s \| 1 \| 1 \| 1\.1 s \|/,
    );
  });

  it.each([
    ['of another scenario', { scenario: { ...first.scenario, name: 'other' } }],
    ['that were interrupted', { status: 'interrupted' as const }],
    ['of stages that the run does not have', { liveMigration: { ...first.liveMigration!, from: 'nowhere' } }],
    ['beside an adversary', { liveMigration: { ...first.liveMigration!, adversary: 'reader' as const } }],
  ])('are not those %s', (_, change) => {
    const wrong = { ...first, ...change };
    expect(() => withRehearsals(ladder, [wrong])).toThrow(/No rehearsal of a step .* was found/);
    expect(withRehearsals(ladder, [wrong, second]).rehearsedSteps).toHaveLength(1);
  });

  it('are no other results of the scenario', () => {
    expect(() => withRehearsals(ladder, [ladder])).toThrow(/No rehearsal of a step/);
  });
});
