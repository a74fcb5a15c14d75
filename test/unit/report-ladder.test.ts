import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { buildResult, calmAfter, saturatedBefore } from './result-fixture.ts';

const ladder = () => buildResult([saturatedBefore, { ...calmAfter, stage: 'indexes' }, calmAfter]);

describe('the ladder of stages', () => {
  it('has a row for each stage of more than two: rate, percentiles, size, claims', async () => {
    const result = ladder();
    result.stages[1]!.applied = [{ version: '002', name: 'a', sha256: 'x', durationMs: 1500, statements: 1 }];
    result.stages[2]!.applied = [
      ...result.stages[1]!.applied,
      { version: '003', name: 'b', sha256: 'y', durationMs: 250, statements: 1 },
    ];
    const { markdown } = await renderMarkdown(result);
    const section = markdown.slice(markdown.indexOf('## Stage by stage'));
    expect(section).toMatch(/\| before \| [^|]+ \|  \| 14\.2\/s, saturated \| no bound \| no bound \| no bound \|/);
    expect(section).toMatch(/\| indexes \| [^|]+ \| 1\.5 s \|/);
    expect(section).toMatch(/\| after \| [^|]+ \| 250 ms \|/);
  });

  it('tells answers that differ in one of the stages', async () => {
    const result = ladder();
    result.answers = [
      { transaction: 'dashboard', stage: 'indexes', compared: 10, different: 2, unanswered: 0 },
      { transaction: 'dashboard', stage: 'after', compared: 10, different: 0, unanswered: 0 },
      { transaction: 'event_list', stage: 'after', compared: 0, different: 0, unanswered: 0, declared: 'newest first' },
    ];
    const { markdown } = await renderMarkdown(result);
    expect(markdown).toContain('**2 differ**');
    expect(markdown).toContain('equal; not compared: event_list');
    expect(markdown).toContain('- **event_list**: newest first (after)');
  });

  it('tells of each stage how many claims it met', async () => {
    const result = ladder();
    const claim = { text: 'a promise', source: 'document:1', stage: 'indexes', measure: { kind: 'heldRate' } } as const;
    result.claims = [
      { ...claim, atLeast: 1, outcome: 'met', measured: 2 },
      { ...claim, atLeast: 3, outcome: 'not met', measured: 2 },
      { ...claim, atLeast: 3, outcome: 'not measured' },
    ];
    const { markdown, files } = await renderMarkdown(result);
    expect(markdown).toMatch(/\| indexes \| .* \| 1 of 3, 1 not measured \|/);
    expect(Object.keys(files)).toContain('latency-by-stage.svg');
    const lines = renderSummary(result, { color: false, columns: 140 }).split('\n');
    expect(lines.find((line) => line.startsWith('indexes'))).toMatch(/ 1 of 3$/);
    expect(lines.find((line) => line.startsWith('Stage'))).toMatch(/migrated +held +p50 +p95/);
  });

  it('is left out for two stages, which the key figures tell', async () => {
    expect((await renderMarkdown(buildResult())).markdown).not.toContain('Stage by stage');
  });
});
