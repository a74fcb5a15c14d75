import { describe, expect, it } from 'vitest';
import { renderCharts } from '../../src/report/charts.ts';
import { backgroundJobs } from '../../src/report/markdown-jobs.ts';
import type { JobRun } from '../../src/result.ts';
import { runResultSchema } from '../../src/result-schema.ts';
import { warningsOf } from '../../src/warnings.ts';
import { buildResult } from './result-fixture.ts';

/** The fixture's result with these runs of jobs in its last block. */
function withJobs(jobs: JobRun[]): ReturnType<typeof buildResult> {
  const result = buildResult();
  result.blocks.at(-1)!.jobs = jobs;
  return result;
}

/** Dashed and dotted lines of the chart. */
const lines = (jobs: JobRun[]): number =>
  renderCharts(withJobs(jobs))['latency-over-time.svg']!.split('stroke-dasharray').length;

const refresh: JobRun = { name: 'refresh', startedMs: 2000, durationMs: 1500 };
const failed: JobRun = { name: 'tidy', startedMs: -100, durationMs: 3, error: 'no such table' };

describe('runs of background jobs', () => {
  it('are a line of the report for each job', () => {
    const stage = buildResult().blocks.at(-1)!.stage;
    const text = backgroundJobs(withJobs([refresh, failed, { ...refresh, startedMs: 9000, cutOff: true }]));
    expect(text).toContain(`- ${stage}, refresh: 2 runs, the longest 1.5 s, 1 cut off by the end of the load`);
    expect(text).toContain(`- ${stage}, tidy: 1 run, the longest 3 ms, 1 failed`);
  });

  it('leave no trace where there are none', () => expect(backgroundJobs(withJobs([]))).toBe(''));

  it('mark the time axis where they began in measured time', () => {
    expect(lines([refresh])).toBe(lines([]) + 1);
    expect(lines([failed])).toBe(lines([]));
  });

  it('warn once for each job that failed', () => {
    const warnings = warningsOf(withJobs([refresh, failed, failed])).filter(({ code }) => code === 'job-failed');
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/job tidy failed 2 times in .*: no such table\.$/),
    ]);
  });

  it('are kept in the result', () => {
    const jobs = [refresh, failed, { ...refresh, cutOff: true as const }];
    expect(runResultSchema.parse(withJobs(jobs)).blocks.at(-1)!.jobs).toEqual(jobs);
  });
});
