/** Stored runs over time: series of what can be compared, and where their level changed. The method is in docs/method.md. */
import type { Commit } from '../commit.ts';
import { conditionsOf, otherThanRun, type Condition } from '../conditions.ts';
import { UsageError } from '../errors.ts';
import type { Outcome, Percentiles, RunResult } from '../result.ts';
import { figuresOf } from '../stage-figures.ts';
import { changePoints, type ChangePoint } from '../stats/change-points.ts';
import { median } from '../stats/median.ts';

/** One run of a series. */
export interface TrendPoint {
  id: string;
  startedAt: string;
  /** Absent where the run was not started in a repository. */
  commit?: Commit;
  /** Of the response time on the last stage, in microseconds. */
  p95Us: number;
  /** The stage could not hold the rate: the time is a lower bound. */
  saturated: boolean;
  /** Typical p95 of the last stage over that of the first, from pairs of blocks; absent without a comparison. */
  ratio?: number;
  /** As the run was judged; absent where it was not. */
  outcome?: Outcome;
}

/** A change of level in a series. */
export interface TrendChange extends ChangePoint {
  figure: 'p95' | 'ratio';
  /** The first run after the change, and the last one before it. */
  first: string;
  last: string;
  /** Median after the change, up to the next one, over the median before it, back to the one before. */
  factor: number;
}

/** Runs that measured the same thing, by their start. */
export interface TrendSeries {
  conditions: Condition[];
  /** The stage that the series follows: the last of its runs. */
  stage: string;
  /** Absent for all transactions together. */
  transaction?: string;
  points: TrendPoint[];
  /** Of p95, then of the ratio over those runs that have one; each in the order of time. */
  changes: TrendChange[];
}

export interface Trend {
  /** By scenario, then the longest first. */
  series: TrendSeries[];
  /** Results that are of no complete run, or have no figures of the last stage (or of the transaction): id and reason. */
  leftOut: string[];
}

/**
 * Series of all results, of one transaction where one is named. Runs under different conditions are never mixed.
 * @throws UsageError when no run has the transaction.
 */
export function trendOf(results: readonly RunResult[], transaction?: string): Trend {
  const groups = new Map<string, Omit<TrendSeries, 'changes'>>();
  const leftOut: string[] = [];
  for (const result of results.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt))) {
    const point = pointOf(result, transaction);
    if (typeof point === 'string') {
      leftOut.push(`${result.id} is ${point}`);
      continue;
    }
    // The SLO judges p95 and does not shape it.
    const conditions = conditionsOf(result).filter(({ name }) => name !== 'SLO');
    const group = { conditions, stage: result.stages.at(-1)!.name };
    const key = JSON.stringify(group);
    const series = groups.get(key) ?? { ...group, ...(transaction === undefined ? {} : { transaction }), points: [] };
    series.points.push(point);
    groups.set(key, series);
  }
  if (transaction !== undefined && groups.size === 0) throw unknownTransaction(results, transaction);
  const scenarioOf = ({ conditions }: Pick<TrendSeries, 'conditions'>): string => conditions[0]!.value;
  const series = [...groups.values()]
    .map((group) => Object.assign(group, { changes: changesOf(group.points) }))
    .toSorted((a, b) => scenarioOf(a).localeCompare(scenarioOf(b)) || b.points.length - a.points.length);
  return { series, leftOut };
}

function unknownTransaction(results: readonly RunResult[], transaction: string): UsageError {
  const known = new Set(results.flatMap(({ scenario }) => scenario.transactions.map(({ name }) => name)));
  return new UsageError(`No run has figures of a transaction ${transaction}.`, {
    hint: `Known: ${[...known].join(', ')}.`,
  });
}

/** The run as a point, or what the result is instead. */
function pointOf(result: RunResult, transaction: string | undefined): TrendPoint | string {
  const other = otherThanRun(result);
  if (other !== undefined) return other;
  const stage = result.stages.at(-1)?.name;
  const figures = stage === undefined ? undefined : figuresOf(result, stage);
  const response = figures && responseOf(figures.mainBlock, transaction);
  if (figures === undefined || response === undefined || response.count === 0) return 'without figures to follow';
  const typical = result.verdict?.gates.find(
    (gate) => gate.name === 'typical-p95' && gate.transaction === transaction,
  )?.estimate;
  return {
    id: result.id,
    startedAt: result.startedAt,
    ...(result.commit === undefined ? {} : { commit: result.commit }),
    p95Us: response.p95Us,
    saturated: figures.saturatedBlock !== undefined,
    ...(typical === undefined ? {} : { ratio: typical.value }),
    ...(result.verdict === undefined ? {} : { outcome: result.verdict.outcome }),
  };
}

function responseOf(block: RunResult['blocks'][number], transaction: string | undefined): Percentiles | undefined {
  if (transaction === undefined) return block.total.response;
  return block.transactions.find(({ name }) => name === transaction)?.response;
}

function changesOf(points: readonly TrendPoint[]): TrendChange[] {
  const compared = points.flatMap(({ id, ratio }) => (ratio === undefined ? [] : [{ id, value: ratio }]));
  return [
    ...changesIn(
      'p95',
      points.map(({ id, p95Us }) => ({ id, value: p95Us })),
    ),
    ...changesIn('ratio', compared),
  ];
}

function changesIn(figure: TrendChange['figure'], runs: readonly { id: string; value: number }[]): TrendChange[] {
  const found = changePoints(runs.map(({ value }) => value));
  const bounds = [0, ...found.map(({ at }) => at), runs.length];
  const levels = bounds.slice(1).map((end, index) => median(runs.slice(bounds[index], end).map(({ value }) => value)));
  return found.map(({ at, pValue }, index) => ({
    figure,
    at,
    pValue,
    first: runs[at]!.id,
    last: runs[at - 1]!.id,
    factor: levels[index + 1]! / levels[index]!,
  }));
}
