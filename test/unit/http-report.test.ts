import { describe, expect, it } from 'vitest';
import { conditionsOf } from '../../src/conditions.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { runResultSchema } from '../../src/result-schema.ts';
import type { RunResult } from '../../src/result.ts';
import { buildResult } from './result-fixture.ts';

/** The fixture's result as that of a load of requests: `databases` tells whether those of the stages are known. */
function httpResult({ databases }: { databases: boolean }): RunResult {
  const result = buildResult();
  for (const stage of result.stages) {
    stage.service = { command: 'npm start', env: { POOL_MAX: stage.name === 'after' ? '50' : '20', 'A|B': '***' } };
  }
  if (!databases) Object.assign(result, { server: { kind: 'none', version: '', major: 0 } });
  result.closedLoop = result.stages.map(({ name }) => ({
    stage: name,
    connections: 100,
    measuredMs: 10_000,
    answered: 42_000,
    answeredPerSecond: 4_200,
    failed: 3,
    timedOut: 0,
    p50Us: 21_000,
    p95Us: 33_000,
    p99Us: 40_000,
  }));
  return result;
}

const mixOf = (result: RunResult) => conditionsOf(result).find(({ name }) => name === 'transactions')!.value;

describe('the report of requests', () => {
  it('names each service, and keeps closed loop and open loop apart', async () => {
    const { markdown } = await renderMarkdown(httpResult({ databases: true }));
    expect(markdown).toMatch(/## Service[^]*\| before \| npm start \| POOL\\?_MAX=20/);
    expect(markdown).toMatch(
      /## Closed loop[^]*\| after \| 100 \| 4,200\/s \| 21 ms \| 33 ms \| 3 failed, 0 timed out \| .* at 1,000\/s \|/,
    );
    expect(markdown).toContain('answers given up after 5 s');
    expect(markdown).toContain('| PostgreSQL |');
  });

  it('says nothing of databases where it knows none', async () => {
    const result = httpResult({ databases: false });
    const { markdown } = await renderMarkdown(result);
    expect(markdown).not.toContain('Database size');
    expect(markdown).not.toContain('| PostgreSQL |');
    expect(renderSummary(result, { color: false, columns: 120 })).not.toMatch(/errors +database/);
    expect(renderSummary(httpResult({ databases: true }), { color: false, columns: 120 })).toMatch(/errors +database/);
  });

  it('is read back from its file as it was', () => {
    const result = JSON.parse(JSON.stringify(httpResult({ databases: false }))) as RunResult;
    expect(runResultSchema.parse(result)).toEqual(result);
  });

  it('is never taken for one of transactions', () => {
    expect(mixOf(httpResult({ databases: true }))).not.toBe(mixOf(buildResult()));
  });
});
