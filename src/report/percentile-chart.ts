/** The whole distribution of response times at a glance: how much worse the tail is than the middle, and which stage has the longer one. */
import type { Percentiles } from '../result.ts';
import type { ChartStage } from './charts.ts';
import { drawSvg, limitLine, logAxis, percentileAxis } from './drawing.ts';

/** Evenly spaced by how rare they are; every step to the right leaves two to ten times fewer arrivals beyond it. */
const shown = [
  { label: 'p50', of: ({ p50Us }) => p50Us, least: 2 },
  { label: 'p90', of: ({ p90Us }) => p90Us, least: 10 },
  { label: 'p95', of: ({ p95Us }) => p95Us, least: 20 },
  { label: 'p99', of: ({ p99Us }) => p99Us, least: 100 },
  { label: 'p99.9', of: ({ p999Us }) => p999Us, least: 1000 },
  { label: 'max', of: ({ maxUs }) => maxUs, least: 1 },
] as const satisfies { label: string; of: (all: Percentiles) => number; least: number }[];

/** The chart by its file name; {} where no stage has a sample. */
export function renderPercentileChart(stages: readonly ChartStage[], limitMs: number): Record<string, string> {
  const curves = stages
    .map((stage) => ({ ...stage, points: pointsOf(stage) }))
    .filter(({ points }) => points.length > 0);
  if (curves.length === 0) return {};
  const svg = drawSvg({
    id: 'latency-percentiles',
    title: 'Response time by percentile, all transactions',
    height: 340,
    right: 96,
    xAxis: percentileAxis(shown.map(({ label }) => label)),
    yAxis: logAxis([...curves.flatMap(({ points }) => points.map(([, ms]) => ms)), limitMs]),
    series: curves.map(({ label, colour, saturatedBlock, points }, at) => ({
      type: 'line',
      name: saturatedBlock ? `${label} (service time: it was saturated)` : label,
      data: points,
      symbol: 'circle',
      symbolSize: 7,
      itemStyle: { color: colour },
      lineStyle: { color: colour, width: 2, type: saturatedBlock ? 'dashed' : 'solid' },
      ...(at === 0 ? { markLine: limitLine('yAxis', limitMs) } : {}),
    })),
  });
  return { 'latency-percentiles.svg': svg };
}

/** Percentile and milliseconds; those that too few samples stand behind are left out. */
function pointsOf({ mainBlock, saturatedBlock }: ChartStage): [label: string, ms: number][] {
  const all = saturatedBlock ? mainBlock.total.service : mainBlock.total.response;
  return shown.flatMap(({ label, of, least }) =>
    all.count < least ? [] : [[label, Math.max(of(all), 1) / 1000] as [string, number]],
  );
}
