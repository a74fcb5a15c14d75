/** What the server did of its own: from looks to stretches, from stretches to the report. */
import { describe, expect, it } from 'vitest';
import { ActivityLog } from '../../src/observe/activity-log.ts';
import type { ServerActivity, StageEvidence } from '../../src/observe/record.ts';
import { renderCharts } from '../../src/report/charts.ts';
import { serverActivities } from '../../src/report/markdown-activities.ts';
import type { RunResult } from '../../src/result.ts';
import { buildResult } from './result-fixture.ts';
import { xmlFaults } from './xml.ts';

describe('ActivityLog', () => {
  it('puts looks together until a second passes without', () => {
    const log = new ActivityLog();
    log.see(['checkpoint'], 1000);
    log.see(['checkpoint', 'autovacuum: VACUUM a', 'autovacuum: VACUUM a'], 1100);
    log.see([], 1200);
    log.see(['checkpoint'], 2100);
    log.see(['checkpoint'], 3101);
    expect(log.stretches()).toEqual([
      { what: 'checkpoint', startedAt: '1970-01-01T00:00:01.000Z', durationMs: 1100 },
      { what: 'autovacuum: VACUUM a', startedAt: '1970-01-01T00:00:01.100Z', durationMs: 0 },
      { what: 'checkpoint', startedAt: '1970-01-01T00:00:03.101Z', durationMs: 0 },
    ]);
  });
});

/** The fixture's result, whose last stage was seen to do this: offsets from its first counted arrival. */
function withActivities(list: { what: string; fromMs: number; durationMs: number }[]): RunResult {
  const result = buildResult();
  const block = result.blocks.at(-1)!;
  const originMs = Date.parse(block.startedAt) + block.warmupMs;
  const activities: ServerActivity[] = list.map(({ what, fromMs, durationMs }) => ({
    what,
    startedAt: new Date(originMs + fromMs).toISOString(),
    durationMs,
  }));
  const evidence = {
    stage: block.stage,
    activities,
    waits: { looks: 0, shares: [] },
    tables: [],
    indexes: [],
    gaps: [],
  };
  const counters = { blocksHit: 0, blocksRead: 0, tempFiles: 0, tempBytes: 0, deadlocks: 0 };
  const wal = { records: 0, fullPageImages: 0, bytes: 0 };
  return { ...result, evidence: [{ ...evidence, database: counters, wal } satisfies StageEvidence] };
}

function chart(...list: Parameters<typeof withActivities>[0]): string {
  return renderCharts(withActivities(list))['latency-over-time.svg']!;
}

describe('work of the server of its own', () => {
  const stage = buildResult().blocks.at(-1)!.stage;

  it('is told with its longest time, as far as it reached into the measured time', () => {
    const text = serverActivities(
      withActivities([
        { what: 'checkpoint', fromMs: -500, durationMs: 2500 },
        { what: 'checkpoint', fromMs: 20_000, durationMs: 5000 },
        { what: 'autovacuum: VACUUM public.a', fromMs: 9000, durationMs: 0 },
        { what: 'autovacuum: ANALYZE public.b', fromMs: -3000, durationMs: 1000 },
      ]),
    );
    expect(text).toContain(`- ${stage}, checkpoint: 2 times, the longest 5 s from 0 ms on`);
    expect(text).toContain(`- ${stage}, autovacuum: VACUUM public.a: 0 ms from 9 s on`);
    expect(text).not.toContain('public.b');
  });

  it('is a band of the chart', () => {
    const one = chart({ what: 'checkpoint', fromMs: 1000, durationMs: 4000 });
    expect(xmlFaults(one)).toEqual([]);
    expect(one.split('fill-opacity="0.1"').length).toBe(chart().split('fill-opacity="0.1"').length + 1);
  });

  it('leaves no trace where none was seen', () => expect(serverActivities(buildResult())).toBe(''));
});
