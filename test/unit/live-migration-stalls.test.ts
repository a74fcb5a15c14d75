/** Stalls of reads and of writes by themselves: what the longest gap of all transactions hides. */
import { describe, expect, it } from 'vitest';
import { impactOf } from '../../src/live-migration/impact.ts';
import type { LiveRepeat } from '../../src/live-migration/record.ts';
import { Fate } from '../../src/load/samples.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { judge } from '../../src/verdict.ts';
import { liveMigration, stalled, statement } from './live-migration-fixture.ts';
import { buildResult } from './result-fixture.ts';

/** Every second arrival writes; only writes wait behind the lock, and reads are answered after 2 ms as before. */
const writersWait = stalled(({ transaction, endUs }) => {
  for (let at = 0; at < transaction.length; at++) {
    transaction[at] = at % 2;
    if (at % 2 === 0) endUs[at] = 2000;
  }
});

describe('impactOf', () => {
  it('tells that writes stood still while reads went on', () => {
    const { longestStallMs, stalls } = impactOf(writersWait);
    expect(longestStallMs).toBeLessThan(30);
    expect(stalls!.map(({ access }) => access)).toEqual(['read', 'write']);
    const [reads, writes] = stalls!;
    expect(reads!.longestMs).toBeCloseTo(20, 6);
    // The last write before was answered at 3,992 ms.
    expect(writes!.longestMs).toBeCloseTo(1008, 6);
    expect(writes!.usualMs).toBeCloseTo(20, 6);
  });

  it('leaves out what the load does not have', () => {
    expect(impactOf(stalled()).stalls!.map(({ access }) => access)).toEqual(['read']);
  });

  it('counts no failure as a completion', () => {
    const failing = stalled(({ transaction, fate }) => {
      transaction.fill(1);
      fate.fill(Fate.failed);
    });
    expect(impactOf(failing).stalls).toEqual([{ access: 'write', longestMs: 6100, usualMs: 3900 }]);
  });
});

function judged(change: Partial<LiveRepeat['impact']>) {
  const live = liveMigration([statement('CREATE INDEX i ON t (a)')], {
    impact: { ...impactOf(writersWait), ...change },
  });
  return { ...buildResult(), liveMigration: { ...live, budgets: { ...live.budgets, maxStallMs: 500 } } };
}

describe('the budget for stalls', () => {
  it('holds for writes alone', () => {
    const { exitCode, gates } = judge(judged({}));
    expect(exitCode).toBe(1);
    const failed = gates.filter(({ outcome }) => outcome === 'fail').map(({ reason }) => reason);
    expect(failed).toEqual([expect.stringContaining('no write was completed for 1.01 s, 500 ms allowed')]);
  });

  it('says nothing of writes where nothing at all was completed', () => {
    const reasons = judge(judged({ longestStallMs: 600 })).gates.map(({ reason }) => reason);
    expect(reasons.filter((reason) => /^no (transaction|read|write) was/.test(reason))).toEqual([
      expect.stringContaining('no transaction was completed for 600 ms'),
    ]);
  });

  it('asks nothing of writes that are rare anyway', () => {
    const rare = [{ access: 'write' as const, longestMs: 900, usualMs: 800 }];
    expect(judge(judged({ stalls: rare })).exitCode).toBe(0);
  });

  it('judges results from before', () => {
    const { stalls: _, ...older } = impactOf(writersWait);
    const result = judged({});
    result.liveMigration.repeats[0]!.impact = older;
    expect(judge(result).exitCode).toBe(0);
  });
});

it('the report tells both', async () => {
  expect((await renderMarkdown(judged({}))).markdown).toMatch(/\| 20 ms, 1.01 s \|/);
});
