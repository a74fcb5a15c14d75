/**
 * Charts as SVG text, drawn by ECharts without a browser. They stand on transparent ground in colours that read on light and
 * dark pages alike.
 */
import type { RunResult, TimelineBucket } from '../result.ts';
import { figuresOf } from '../stage-figures.ts';
import type { StageFigures } from '../stage-figures.ts';
import { judge } from '../verdict.ts';
import { renderCapacityChart } from './capacity-chart.ts';
import type { Limit, Series } from './drawing.ts';
import {
  categoryAxis,
  colours,
  drawSvg,
  labelStyle,
  limitLine,
  logAxis,
  printable,
  rateAxis,
  stageColour,
  timeAxis,
} from './drawing.ts';
import { formatMs, formatRate } from './format.ts';
import { renderLadderChart } from './ladder-chart.ts';
import { isLadder } from './ladder-figures.ts';
import { renderLiveMigrationCharts } from './live-migration-chart.ts';
import { renderPairsChart } from './pairs-chart.ts';
import { activitiesOf } from './markdown-activities.ts';
import { renderPercentileChart } from './percentile-chart.ts';

/** Charts by file name, in the order of the report; none when nothing was measured. */
export function renderCharts(result: RunResult): Record<string, string> {
  if (result.capacity !== undefined) return renderCapacityChart(result.capacity, result.slo);
  if (result.liveMigration !== undefined) return renderLiveMigrationCharts(result.liveMigration, result.slo.limitMs);
  const stages = chartStages(result);
  if (stages.length === 0) return {};
  return {
    ...(isLadder(result) ? renderLadderChart(stages, result.slo.limitMs) : {}),
    'latency-by-transaction.svg': latencyByTransaction(result, stages),
    ...renderPercentileChart(stages, result.slo.limitMs),
    'latency-over-time.svg': latencyOverTime(result, stages),
    'throughput.svg': throughput(result, stages),
    ...pairs(result),
  };
}

function pairs(result: RunResult): Record<string, string> {
  if (result.comparison === undefined) return {};
  const { gates } = result.verdict ?? judge(result);
  const overall = gates.find(({ name, transaction }) => name === 'typical-p95' && transaction === undefined);
  return renderPairsChart(result.comparison, overall?.estimate);
}

/** A measured stage with what it is drawn by. */
export interface ChartStage extends StageFigures {
  label: string;
  colour: string;
}

function chartStages(result: RunResult): ChartStage[] {
  return result.stages.flatMap((stage, index) => {
    const figures = figuresOf(result, stage.name);
    if (!figures || figures.mainBlock.timeline.length === 0) return [];
    const colour = stageColour(index, result.stages.length);
    return [{ ...figures, label: printable(stage.name), colour }];
  });
}

/** A row for each transaction: p95 of each stage as a dot on a logarithmic axis, joined, so that the distance is the change. */
function latencyByTransaction(result: RunResult, stages: ChartStage[]): string {
  const names = [undefined, ...result.scenario.transactions.map(({ name }) => name)];
  const points = stages.map((stage) => names.map((name) => p95Ms(stage, name)));
  const rows = names.map((_, row) => rangeOf(points.map((column) => column[row])));
  return drawSvg({
    id: 'latency-by-transaction',
    title: 'p95 of each transaction',
    height: names.length * 28 + 116,
    right: 64,
    xAxis: logAxis([...points.flat(), result.slo.limitMs]),
    yAxis: categoryAxis(names.map((name) => (name === undefined ? 'all transactions' : printable(name)))),
    series: stages.map((stage, index) => ({
      type: 'scatter',
      name: timeLabel(stage),
      data: points[index]!.flatMap((value, row) => (value === undefined ? [] : [dot(value, row, rows[row]!)])),
      symbolSize: 11,
      itemStyle: { color: stage.colour, opacity: 1 },
      z: 3,
      ...(index === 0 ? { markLine: joinLines(rows, limitLine('xAxis', result.slo.limitMs)) } : {}),
    })),
  });
}

/** The lowest and the highest of some values; NaN when there is none. */
function rangeOf(values: readonly (number | undefined)[]): { low: number; high: number } {
  const present = values.filter((value) => value !== undefined);
  return present.length === 0 ? { low: NaN, high: NaN } : { low: Math.min(...present), high: Math.max(...present) };
}

/** A dot with its figure beside it, where no other dot of the row is in the way. */
function dot(value: number, row: number, { low, high }: { low: number; high: number }): object {
  const label = { ...labelStyle, fontSize: 11, distance: 6, formatter: () => formatMs(value) };
  const position = value === high ? 'right' : 'left';
  return { value: [value, row], label: { ...label, position, show: value === low || value === high } };
}

function joinLines(rows: readonly { low: number; high: number }[], limit: Limit): object {
  const joins = rows.flatMap(({ low, high }, row) =>
    low < high ? [[{ coord: [low, row], ...joinStyle }, { coord: [high, row] }]] : [],
  );
  return { ...limit, data: [...joins, ...limit.data] };
}

const joinStyle = { label: { show: false }, lineStyle: { color: colours.ink, width: 2, type: 'solid', opacity: 0.45 } };

/** Response time, or service time where a growing queue makes response times meaningless. */
function p95Ms({ mainBlock, saturatedBlock }: ChartStage, transaction: string | undefined): number | undefined {
  const latencies =
    transaction === undefined ? mainBlock.total : mainBlock.transactions.find(({ name }) => name === transaction);
  const percentiles = saturatedBlock ? latencies?.service : latencies?.response;
  return percentiles && percentiles.count > 0 ? Math.max(percentiles.p95Us, 1) / 1000 : undefined;
}

function timeLabel({ label, saturatedBlock }: ChartStage): string {
  return saturatedBlock ? `${label} (service time: it was saturated)` : `${label} (response time)`;
}

/** p95 of the arrivals of each second. */
function latencyOverTime(result: RunResult, stages: ChartStage[]): string {
  const lines = stages.map(({ mainBlock }) =>
    mainBlock.timeline.map((bin): Point => [middle(bin), bin.scheduled > 0 ? Math.max(bin.p95Us, 1) / 1000 : null]),
  );
  const values = lines.flat().map(([, value]) => value ?? undefined);
  return drawSvg({
    id: 'latency-over-time',
    title: 'p95 of the response time, by the second in which transactions were due',
    height: 320,
    right: 96,
    xAxis: timeAxis(longestSeconds(stages)),
    yAxis: logAxis([...values, result.slo.limitMs]),
    series: stages.map((stage, index) => ({
      ...responseLine(stage, lines[index]!),
      markLine: withJobs(stage, limitLine('yAxis', result.slo.limitMs), index === 0),
      markArea: activityAreas(result, stage),
    })),
  });
}

/** The starts of background jobs as thin upright lines in the colour of their stage, beside the limit where this line carries it. */
function withJobs({ mainBlock, colour }: ChartStage, limit: Limit, first: boolean): object {
  const starts = (mainBlock.jobs ?? []).filter(({ startedMs }) => startedMs >= 0);
  const lineStyle = { color: colour, type: 'dotted', width: 1 };
  const marks = starts.map(({ startedMs }) => ({ xAxis: startedMs / 1000, lineStyle, label: { show: false } }));
  return { ...limit, data: [...(first ? limit.data : []), ...marks] };
}

/** What the server did of its own, as upright bands in the colour of the stage. */
function activityAreas(result: RunResult, { stage, mainBlock, colour }: ChartStage): object {
  const bands = activitiesOf(result, stage, mainBlock).map(({ fromMs, toMs }) => [
    { xAxis: fromMs / 1000 },
    { xAxis: toMs / 1000 },
  ]);
  return { silent: true, itemStyle: { color: colour, opacity: 0.1 }, data: bands };
}

/** Of a saturated stage most transactions never ended: their ages at the end are lower bounds, so the line is dashed. */
function responseLine({ label, colour, saturatedBlock }: ChartStage, points: Point[]): Series {
  if (!saturatedBlock) return line(label, colour, points);
  return line(`${label} (saturated: lower bounds)`, colour, points, { type: 'dashed' });
}

/** What was offered, what each stage completed, and how much of it missed the limit. */
function throughput(result: RunResult, stages: ChartStage[]): string {
  const longest = stages.toSorted((a, b) => b.mainBlock.measuredMs - a.mainBlock.measuredMs)[0]!;
  const offered = ratesOf(longest, (bin) => bin.scheduled);
  return drawSvg({
    id: 'throughput',
    title: `Transactions a second: completed (lines), missed the limit of ${formatMs(result.slo.limitMs)} (areas)`,
    height: 320,
    right: 40,
    xAxis: timeAxis(longestSeconds(stages)),
    yAxis: rateAxis(),
    series: [
      line('offered', colours.ink, offered, { width: 6, opacity: 0.35 }),
      ...stages.map((stage) => completedLine(stage)),
      ...stages.map((stage) => missedArea(stage)),
    ],
  });
}

function completedLine(stage: ChartStage): Series {
  return line(
    rateLabel(stage),
    stage.colour,
    ratesOf(stage, (bin) => bin.completed),
  );
}

/** Shares its name with the line of the same stage, so that the legend has one entry for both. */
function missedArea(stage: ChartStage): Series {
  const points = ratesOf(stage, (bin) => bin.missed);
  const areaStyle = { color: stage.colour, opacity: 0.22 };
  return { ...line(rateLabel(stage), stage.colour, points, { width: 0 }), showSymbol: false, areaStyle };
}

function rateLabel({ label, saturatedBlock, heldPerSecond }: ChartStage): string {
  return saturatedBlock ? `${label} (saturated, held ${formatRate(heldPerSecond)})` : label;
}

/** Events a second in each second of the stage's main block; a last second cut short below a quarter is left out. */
function ratesOf({ mainBlock }: ChartStage, pick: (bin: TimelineBucket) => number): Point[] {
  return mainBlock.timeline.flatMap((bin) => {
    const widthMs = Math.min(1000, mainBlock.measuredMs - bin.offsetMs);
    return widthMs < 250 ? [] : [[middle(bin), (pick(bin) * 1000) / widthMs] as const];
  });
}

/** Seconds and a figure; null leaves a gap. */
type Point = readonly [seconds: number, value: number | null];

function line(name: string, color: string, data: readonly Point[], style: object = {}): Series {
  return {
    type: 'line',
    name,
    data,
    // A line through one point has no length: show the point.
    showSymbol: data.length === 1,
    symbol: 'circle',
    symbolSize: 6,
    itemStyle: { color },
    lineStyle: { color, width: 2, ...style },
  };
}

function middle(bin: TimelineBucket): number {
  return (bin.offsetMs + 500) / 1000;
}

function longestSeconds(stages: ChartStage[]): number {
  return Math.max(...stages.map(({ mainBlock }) => Math.ceil(mainBlock.measuredMs / 1000)));
}
