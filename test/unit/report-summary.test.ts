import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderSummary } from '../../src/report/summary.ts';
import type { RunResult } from '../../src/result.ts';
import { buildResult, calmAfter, hostileName, saturatedBefore } from './result-fixture.ts';

const plain = { color: false, columns: 100 };

describe('renderSummary', () => {
  it('tells verdict, stages, transactions and warnings', () => {
    const lines = renderSummary(buildResult(), plain).split('\n');
    expect(lines[0]).toMatch(/^PASS {2}"after" holds p95 < 50 ms at 1,000\/s: 0\.35 % of 60,170 arrivals/);
    expect(lines).toContainEqual(
      expect.stringMatching(/^before +14\.2\/s +no bound +no bound +98\.5 % +8,978 unfinished +6\.93 GiB$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^after +1,003\/s +1\.5 ms +7\.12 ms +0\.35 % +0 +7\.41 GiB$/));
    expect(lines).toContainEqual(expect.stringMatching(/^dashboard +\d\S* s +\d\S* ms +[≥~]\d+x faster$/));
    expect(lines).toContainEqual(expect.stringMatching(/^Warning: Other processes/));
  });

  it('fits one screen of 30 lines and the width of the terminal', () => {
    const result = buildResult();
    result.warnings = Array.from({ length: 9 }, () => result.warnings[0]!);
    for (const columns of [80, 100, 160]) {
      const lines = renderSummary(result, { color: true, columns }).split('\n').map(stripVTControlCharacters);
      expect(lines.length).toBeLessThanOrEqual(30);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
    expect(renderSummary(result, plain)).toContain('6 more warnings in the report.');
  });

  it('is the same text with and without colour', () => {
    const colored = renderSummary(buildResult(), { ...plain, color: true });
    expect(colored).not.toBe(renderSummary(buildResult(), plain));
    expect(stripVTControlCharacters(colored)).toBe(renderSummary(buildResult(), plain));
  });

  it('names the other gates that did not pass', () => {
    const result = buildResult();
    result.answers[0]!.different = 1;
    result.host.cores = 0;
    const text = renderSummary(result, plain);
    expect(text).toMatch(/^FAIL {2}dashboard answers differently .*\nvalidity: invalid, not recorded: the processor\./);
  });

  it.each<[string, RunResult]>([
    ['no stage', buildResult([])],
    ['no block', { ...buildResult(), blocks: [] }],
    ['one stage', buildResult([calmAfter])],
    ['only a saturated stage', buildResult([saturatedBefore])],
  ])('renders a run with %s', (_, result) => {
    expect(renderSummary(result, plain)).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('lets no control character of a name reach the terminal', () => {
    const result = buildResult();
    result.scenario.transactions[0]!.name = hostileName;
    result.stages[0]!.name = hostileName;
    result.blocks[0]!.stage = hostileName;
    const text = renderSummary(result, plain);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(text.split('\n').length).toBeLessThanOrEqual(30);
  });
});
