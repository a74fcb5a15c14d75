import { describe, expect, it } from 'vitest';
import { renderCharts } from '../../src/report/charts.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { decodeResult, encodeResult } from '../../src/result-file.ts';
import type { CapacityResult, CapacityStep, RunResult } from '../../src/result.ts';
import { judge } from '../../src/verdict.ts';
import { warningsOf } from '../../src/warnings.ts';
import { buildResult } from './result-fixture.ts';
import { xmlFaults } from './xml.ts';

const step = (ratePerSecond: number, held: boolean, change: Partial<CapacityStep> = {}): CapacityStep => ({
  ratePerSecond,
  held,
  saturated: false,
  measuredMs: 12_000,
  scheduled: ratePerSecond * 12,
  missed: held ? 0 : ratePerSecond * 4,
  donePerSecond: ratePerSecond,
  p50Us: held ? 900 : 40_000,
  p95Us: held ? 2400 : 400_000,
  p99Us: held ? 5200 : 900_000,
  latenessP99Us: 300,
  samplesFile: 'samples/after-1.bin',
  ...change,
});

const before: CapacityResult = {
  stage: 'before',
  heldPerSecond: 76,
  missedPerSecond: 82,
  steps: [step(1000, false, { saturated: true }), step(76, true), step(82, false)],
};
const after: CapacityResult = {
  stage: 'after',
  heldPerSecond: 4100,
  missedPerSecond: 4480,
  steps: [step(1000, true), step(4100, true), step(4480, false), step(8000, false)],
};

function resultOf(capacity: CapacityResult[], change: Partial<RunResult> = {}): RunResult {
  return { ...buildResult(), blocks: [], answers: [], invariants: [], claims: [], warnings: [], capacity, ...change };
}

describe('the verdict of a search for the capacity', () => {
  it('passes when the last stage holds the rate of the load, and tells its headroom', () => {
    expect(judge(resultOf([before, after]))).toMatchObject({
      outcome: 'pass',
      exitCode: 0,
      reason: '"after" holds p95 < 50 ms up to 4,100/s (4,480/s missed it): headroom 4.1x over 1,000/s.',
    });
  });

  it.each([
    ['misses a rate below', [after, before], 'fail', 1, /up to 76\/s .* headroom 0\.076x over 1,000\/s/],
    [
      'holds no rate',
      [{ stage: 'a', missedPerSecond: 1, steps: [step(1, false)] }],
      'fail',
      1,
      /at no rate .* 1\/s too/,
    ],
    [
      'has the rate between its ends',
      [{ ...after, heldPerSecond: 980, missedPerSecond: 1040 }],
      'inconclusive',
      3,
      /headroom 0\.98x/,
    ],
    ['was not reached', [], 'inconclusive', 3, /nothing was measured/],
  ])('when the last stage %s', (_, capacity, outcome, exitCode, reason) => {
    const verdict = judge(resultOf(capacity));
    expect(verdict).toMatchObject({ outcome, exitCode });
    expect(verdict.reason).toMatch(reason);
  });

  it('is inconclusive for a search that did not finish', () =>
    expect(judge(resultOf([after], { status: 'interrupted' }))).toMatchObject({
      outcome: 'inconclusive',
      exitCode: 3,
    }));
});

describe('the report of a search for the capacity', () => {
  it('shows the answer, the curve and every step', async () => {
    const { markdown, files } = await renderMarkdown(resultOf([before, after]));
    expect(markdown).toContain('| after | **4,100/s** | 4,480/s | 4.1x | 2.4 ms |');
    expect(markdown).toContain('(capacity.svg)');
    expect(markdown).toMatch(/\| before \| 1,000\/s \| \*\*saturated\*\* \| .* ≥400 ms/);
    expect(Object.keys(files)).toEqual(['capacity.svg']);
  });

  it('tells the answer in the terminal', () => {
    const lines = renderSummary(resultOf([before, after]), { color: false, columns: 100 }).split('\n');
    expect(lines).toContainEqual(expect.stringMatching(/^Stage +holds +misses +headroom over 1,000\/s +steps$/));
    expect(lines).toContainEqual(expect.stringMatching(/^after +4,100\/s +4,480\/s +4\.1x +4$/));
  });

  it.each([
    ['two stages', [before, after]],
    ['one step', [{ stage: 'a', heldPerSecond: 5, steps: [step(5, true)] }]],
    ['no rate that held', [{ stage: 'a', missedPerSecond: 1, steps: [step(1, false)] }]],
    ['latencies of zero', [{ stage: 'a', steps: [step(1, true, { p95Us: 0 })] }]],
    ['a stage that was not begun', [after, { stage: 'b', steps: [] }]],
  ])('draws %s as well-formed SVG of finite figures', (_, capacity) => {
    const svg = renderCharts(resultOf(capacity))['capacity.svg']!;
    expect(xmlFaults(svg)).toEqual([]);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('draws nothing where nothing was driven', () => expect(renderCharts(resultOf([]))).toEqual({}));
});

it('survives the way through the file; results without it do too', () => {
  const result = resultOf([before, after, { stage: 'c', steps: [] }]);
  expect(decodeResult(encodeResult(result), 'result.json')).toEqual(result);
  expect(decodeResult(encodeResult(buildResult()), 'result.json').capacity).toBeUndefined();
});

it('doubts a rate that was missed while the generator was late', () => {
  const late = { ...after, steps: [step(4100, true), step(4480, false, { latenessP99Us: 4000 })] };
  expect(warningsOf(resultOf([late])).map(({ code }) => code)).toContain('late-generator');
  expect(warningsOf(resultOf([after])).map(({ code }) => code)).not.toContain('late-generator');
});
