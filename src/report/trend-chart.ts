/** Charts of series of runs: p95 run by run, with its changes of level. */
import type { TrendPoint, TrendSeries } from '../trend/series.ts';
import { describeCommit } from './commit.ts';
import { colours, drawSvg, labelStyle, logAxis, printable } from './drawing.ts';
import { formatRatio } from './format.ts';

/** One chart, as SVG text; hollow dots are lower bounds of saturated runs. */
export function renderTrendChart(series: TrendSeries, id: string): string {
  const { points, conditions, stage, transaction } = series;
  const of = transaction === undefined ? '' : ` of ${printable(transaction)}`;
  return drawSvg({
    id,
    title: `p95 of the response time${of}, run by run: ${printable(conditions[0]!.value)}, ${printable(stage)}`,
    height: 340,
    right: 40,
    xAxis: runAxis(points),
    yAxis: logAxis(points.map(p95Ms)),
    series: [
      {
        type: 'line',
        name: printable(stage),
        data: points.map((point, at) => ({
          value: [at, p95Ms(point)],
          symbol: point.saturated ? 'emptyCircle' : 'circle',
        })),
        symbolSize: 7,
        itemStyle: { color: colours.last },
        lineStyle: { color: colours.last, width: 1, opacity: 0.5 },
        markLine: changeLines(series),
      },
    ],
  });
}

function p95Ms({ p95Us }: TrendPoint): number {
  return Math.max(p95Us, 1) / 1000;
}

/** Vertical lines between the runs where p95 changed its level. */
function changeLines({ changes }: TrendSeries): object {
  return {
    silent: true,
    symbol: 'none',
    data: changes
      .filter(({ figure }) => figure === 'p95')
      .map(({ at, factor }) => ({
        xAxis: at - 0.5,
        lineStyle: { color: colours.limit, type: 'dashed', width: 1.5 },
        label: { ...labelStyle, color: colours.limit, position: 'insideEndTop', formatter: () => formatRatio(factor) },
      })),
  };
}

/** Runs at equal distances; labelled by commit, or by day where there is none. */
function runAxis(points: readonly TrendPoint[]): object {
  return {
    type: 'value',
    min: -0.5,
    max: points.length - 0.5,
    minInterval: 1,
    axisLabel: { ...labelStyle, hideOverlap: true, formatter: (at: number) => runLabel(points[at]) },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLine: { show: true, lineStyle: { color: colours.grid } },
  };
}

function runLabel(point: TrendPoint | undefined): string {
  if (point === undefined) return '';
  return point.commit === undefined ? point.startedAt.slice(0, 10) : describeCommit(point.commit);
}
