import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { describeImprovement, describeTime, probeGroups } from '../../src/report/probe-groups.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { decodeResult, encodeResult } from '../../src/result-file.ts';
import type { ProbeFigures, RunResult } from '../../src/result.ts';
import { buildResult, hostileName } from './result-fixture.ts';

const figures = (stage: string, p50Us: number, change: Partial<ProbeFigures> = {}): ProbeFigures => ({
  stage,
  transaction: 'dashboard',
  runs: 100,
  parameterSets: 20,
  minUs: p50Us / 2,
  meanUs: p50Us,
  p50Us,
  p95Us: p50Us * 2,
  maxUs: p50Us * 3,
  timedOut: 0,
  failed: 0,
  planUs: 400,
  executionUs: p50Us / 2,
  ...change,
});

function resultOf(probe: ProbeFigures[]): RunResult {
  return { ...buildResult(), blocks: [], answers: [], invariants: [], claims: [], warnings: [], probe };
}

describe('the table of a probe', () => {
  const result = resultOf([
    figures('before', 2_300_000, { class: 'hot' }),
    figures('before', 40_000, { class: 'rest' }),
    figures('after', 2300, { class: 'hot' }),
    figures('after', 800, { class: 'rest' }),
  ]);

  it('puts the stages side by side, classes apart, with plan and execution', async () => {
    const { markdown, files } = await renderMarkdown(result);
    expect(markdown).toContain(
      '| dashboard | hot | 2.3 s | 2.3 ms | 1,000x faster | 400 µs + 1.15 s | 400 µs + 1.15 ms |',
    );
    expect(markdown).toContain('| dashboard | rest | 40 ms | 800 µs | 50x faster |');
    expect(markdown).not.toMatch(/✅|❌|❔|⛔|Gate/);
    expect(files).toEqual({});
  });

  it('is short in the terminal', () => {
    const lines = renderSummary(result, { color: false, columns: 80 }).split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^median, without load +before +after$/),
      expect.stringMatching(/^dashboard \(hot\) +2\.3 s +2\.3 ms +1,000x faster$/),
      expect.stringMatching(/^dashboard \(rest\) +40 ms +800 µs +50x faster$/),
    ]);
  });

  it('says so when nothing was timed, and takes names as they come', async () => {
    expect((await renderMarkdown(resultOf([]))).markdown).toContain('Nothing was timed.');
    const hostile = await renderMarkdown(resultOf([figures('before', 10, { transaction: hostileName })]));
    expect(hostile.markdown).not.toContain('<script>');
  });

  it('survives the way through the file', () =>
    expect(decodeResult(encodeResult(result), 'result.json')).toEqual(result));

  it('leaves the place of a stage empty that was not reached', () =>
    expect(probeGroups(resultOf([figures('before', 10)]))).toMatchObject([
      { figures: [{ stage: 'before' }, undefined] },
    ]));
});

describe('bounds and failures', () => {
  const cut = { runs: 2, timedOut: 1 };

  it.each([
    [figures('before', 1000), figures('after', 100), '10x faster'],
    [figures('before', 100), figures('after', 1000), '10x slower'],
    [figures('before', 100), figures('after', 100), 'same'],
    [figures('before', 5_000_000, cut), figures('after', 1000), '≥5,000x faster'],
    [figures('before', 1000), figures('after', 5_000_000, cut), '≥5,000x slower'],
    [figures('before', 5_000_000, cut), figures('after', 5_000_100, cut), 'same'],
    [figures('before', 5_000_000, cut), figures('after', 2_000_000, cut), ''],
    [figures('before', 1000, { failed: 100 }), figures('after', 1000), ''],
    [undefined, figures('after', 1000), ''],
  ])('case %#', (first, last, expected) => expect(describeImprovement(first, last)).toBe(expected));

  it('marks times that the statement timeout cut, and runs that failed', () => {
    expect(describeTime(figures('before', 5_000_000, cut))).toBe('≥5 s');
    expect(describeTime(figures('before', 1000, { failed: 100 }))).toBe('failed');
  });
});
