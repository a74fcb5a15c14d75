import { describe, expect, it } from 'vitest';
import { combineCalibrations } from '../../src/calibration/combine.ts';
import { calibrationFigures } from '../../src/calibration/figures.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderSummary } from '../../src/report/summary.ts';
import type { CalibrationRound, Outcome, RunResult } from '../../src/result.ts';
import { scatterOf } from '../../src/verdict/typical.ts';
import { buildComparison } from './comparison-fixture.ts';
import { buildResult } from './result-fixture.ts';

function rounds(...outcomes: Outcome[]): CalibrationRound[] {
  return outcomes.map((outcome) => ({
    stage: 'after',
    startedAt: '2026-11-21T04:00:00.000Z',
    outcome,
    reason: `because | ${outcome}`,
    estimate: { value: 1.01, low: 0.96, high: 1.06, margin: 1.1, unit: 'ratio' },
    pairs: 30,
    discarded: 1,
    deviation: 0.2,
    naiveRatio: 1.2,
    falseTransactions: [],
  }));
}

describe('calibrationFigures', () => {
  it('counts false alarms with the exact bound of their rate', () => {
    const none = calibrationFigures(rounds(...Array<Outcome>(20).fill('pass')), 0.1);
    expect(none).toMatchObject({ rounds: 20, falseAlarms: 0, inconclusive: 0 });
    expect(none.falseAlarmBound).toBeCloseTo(1 - 0.05 ** (1 / 20), 6);
    expect(calibrationFigures(rounds('pass', 'fail', 'inconclusive'), 0.1)).toMatchObject({
      falseAlarms: 1,
      inconclusive: 1,
    });
  });

  it('recommends pairs as the table of the method has them, and the margin that thirty can decide', () => {
    const { power } = calibrationFigures(rounds('pass', 'pass'), 0.1);
    expect([power!.pairsToPass, power!.pairsToFail]).toEqual([29, 35]);
    expect(power!.margin).toBeGreaterThan(0.09);
    expect(power!.margin).toBeLessThan(0.11);
  });

  it('refuses to say anything about nothing', () => {
    expect(() => calibrationFigures([], 0.1)).toThrow(RangeError);
  });
});

describe('scatterOf', () => {
  it('finds the deviation that the pairs were made with', () => {
    // Two independent blocks of 0.1 each.
    expect(scatterOf(buildComparison({ pairs: 60 }))).toBeCloseTo(Math.SQRT2 * 0.1, 1);
    expect(scatterOf(buildComparison({ scatter: 0 }))).toBe(0);
    expect(scatterOf({ ...buildComparison(), pairs: [] })).toBeUndefined();
  });
});

/** A calibration of its own id, its rounds begun at these hours. */
const part = (id: string, hours: number[], change: (result: RunResult) => void = () => {}): RunResult => {
  const calibration = hours.flatMap((hour) =>
    rounds('pass').map((round) => ({ ...round, startedAt: new Date(Date.UTC(2026, 10, 21, hour)).toISOString() })),
  );
  const result = { ...buildResult(), id, startedAt: calibration[0]!.startedAt, calibration };
  change(result);
  return result;
};

describe('combineCalibrations', () => {
  it('has the rounds of all parts in the order of their starts, also of an interrupted one', () => {
    const combined = combineCalibrations([
      part('late', [9, 10]),
      part('early', [4], (it) => Object.assign(it, { status: 'interrupted', comparison: buildComparison() })),
      part('between', [7]),
    ]);
    const hours = combined.calibration!.map(({ startedAt }) => new Date(startedAt).getUTCHours());
    expect(hours).toEqual([4, 7, 9, 10]);
    expect(combined).toMatchObject({ id: 'early', status: 'complete' });
    expect(combined.comparison).toBeUndefined();
    expect(calibrationFigures(combined.calibration!, 0.1).falseAlarmBound).toBeCloseTo(1 - 0.05 ** (1 / 4), 6);
  });

  it.each<[string, (result: RunResult) => void, RegExp]>([
    ['another scenario', (it) => void (it.scenario.name = 'sessions'), /scenario: webhooks against sessions in other/],
    ['another scale', (it) => void (it.seed!.scale = 0.1), /scale: 1 against 0.1/],
    ['another rate', (it) => void (it.load.ratePerSecond = 200), /load: 1,000\/s .* against 200\/s/],
    ['another machine', (it) => void (it.host.cores = 64), /CPU: 2 x .* against 64 x/],
    ['another major', (it) => void (it.server.major = 17), /PostgreSQL: 18 against 17/],
    ['another stage', (it) => void (it.calibration![0]!.stage = 'before'), /stage: after against before/],
    ['another margin', (it) => void (it.gate = { maxRegression: 0.05 }), /margin: 10 % against 5 %/],
    ['a run', (it) => void delete it.calibration, /other is no calibration/],
    ['no finished round', (it) => void (it.calibration = []), /other has no finished round/],
    ['the same one twice', (it) => void (it.id = 'one'), /one is given more than once/],
  ])('refuses %s', (_, change, reason) => {
    expect(() => combineCalibrations([part('one', [4]), part('other', [5], change)])).toThrow(reason);
  });

  it('tells all reasons at once', () => {
    const other = part('other', [5], (it) => {
      it.server.major = 17;
      it.host.cores = 64;
    });
    expect(() => combineCalibrations([part('one', [4]), other])).toThrow(/PostgreSQL[^]*CPU|CPU[^]*PostgreSQL/);
  });
});

describe('the report of a calibration', () => {
  it('tells every round, and what follows', async () => {
    const result = { ...buildResult(), calibration: rounds('pass', 'inconclusive') };
    const { markdown } = await renderMarkdown(result);
    expect(markdown).toContain('2 comparisons of "after" with itself: 0 false alarms (true rate below 78 %');
    expect(markdown).toContain('because &#124; inconclusive');
    expect(renderSummary(result, { color: false, columns: 100 })).toContain('29 pairs pass an equal candidate');
  });

  it('says so when nothing was finished', async () => {
    const { markdown } = await renderMarkdown({ ...buildResult(), calibration: [] });
    expect(markdown).toContain('No round was finished.');
  });
});
