/** The time axis of a migration: which tenths of a second it waited in, and which statements are marked. */
import { array, assert, boolean, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LockLook } from '../../src/live-migration/lock-watch.ts';
import { waitBetween, waitSpans } from '../../src/live-migration/queue-figures.ts';
import { renderLiveMigrationCharts } from '../../src/report/live-migration-chart.ts';
import { liveMigration, statement } from './live-migration-fixture.ts';

const look = (atMs: number, waiting: boolean): LockLook => ({
  atMs,
  queued: 0,
  waiting,
  blockers: [],
  held: [],
  stands: false,
});

describe('waitSpans', () => {
  it('joins looks that follow each other', () => {
    const looks = [look(0, false), look(20, true), look(40, true), look(60, false), look(80, true), look(100, false)];
    expect(waitSpans(looks, 0, 200)).toEqual([
      { fromMs: 20, toMs: 60 },
      { fromMs: 80, toMs: 100 },
    ]);
    expect(waitSpans(looks, 30, 50)).toEqual([{ fromMs: 40, toMs: 50 }]);
  });

  it('adds up to the time that was waited', () => {
    assert(
      property(array(boolean()), (waiting) => {
        const looks = waiting.map((waits, at) => look(at * 20, waits));
        const all = waitSpans(looks, 0, 1e6).reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
        expect(all).toBe(waitBetween(looks, 0, 1e6).waitedMs);
      }),
    );
  });
});

describe('the charts of a migration', () => {
  const waits = [{ fromMs: 3900, toMs: 4600 }];
  const long = statement('ALTER TABLE t ADD COLUMN a int', { startMs: 3900, endMs: 4900, waitedMs: 700, waits });
  const short = statement('COMMIT', { startMs: 4900, endMs: 4910 });

  it('show where it waited for a lock, and number the statements that took their time', () => {
    const charts = renderLiveMigrationCharts(liveMigration([short, long]), 50);
    for (const svg of Object.values(charts)) {
      expect(svg).toContain('waiting for a lock');
      expect(svg).toContain('running, with its locks');
    }
    expect(charts['migration-throughput.svg']).toMatch(/>2<\/text>/);
    expect(charts['migration-throughput.svg']).not.toMatch(/>1<\/text>/);
  });

  it('show no wait where there was none', () => {
    const { waits: _, ...older } = long;
    for (const svg of Object.values(renderLiveMigrationCharts(liveMigration([older]), 50))) {
      expect(svg).not.toContain('waiting for a lock');
      expect(svg).toContain('running, with its locks');
    }
  });
});
