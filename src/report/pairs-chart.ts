/** Pairs of blocks in the order in which they ran: p95 of the other side as a share of p95 before. */
import type { Comparison } from '../comparison/record.ts';
import type { GateEstimate } from '../result.ts';
import { finishedPairs, type FinishedPair } from '../verdict/pairs.ts';
import { colours, drawSvg, labelStyle, printable, ratioAxis, type Series } from './drawing.ts';
import { formatCount, formatShare } from './format.ts';

/** The chart by its file name; none before the first finished pair. */
export function renderPairsChart(comparison: Comparison, estimate: GateEstimate | undefined): Record<string, string> {
  const [change, same] = [finishedPairs(comparison, 'change'), finishedPairs(comparison, 'same')];
  const points = [...change, ...same].map(ratioOf);
  if (points.length === 0) return {};
  const [before, after] = [printable(comparison.before), printable(comparison.after)];
  const svg = drawSvg({
    id: 'pairs',
    title: `p95 in pairs of blocks, as a share of ${before}`,
    height: 340,
    right: 110,
    xAxis: pairAxis(placeOf(comparison.pairs.at(-1)!.number)),
    yAxis: ratioAxis([...points, 1, estimate?.margin ?? 1]),
    series: [
      { ...dots(`${after} / ${before}`, change, colours.last), markLine: lines(estimate) },
      dots(`two equal clones of ${before}`, same, colours.first),
    ],
  });
  return { 'pairs.svg': svg };
}

/** Block numbers 0 and 1 belong to the stages alone and to the warm-up. */
function placeOf(number: number): number {
  return number - 1;
}

function ratioOf({ before, other }: FinishedPair): number {
  return Math.max(1, other.p95Us) / Math.max(1, before.p95Us);
}

/** Hollow dots were thrown away. */
function dots(name: string, pairs: readonly FinishedPair[], color: string): Series {
  return {
    type: 'scatter',
    name,
    symbolSize: 8,
    itemStyle: { color, opacity: 1 },
    data: pairs.map((pair) => ({
      value: [placeOf(pair.number), ratioOf(pair)],
      symbol: pair.discarded === undefined ? 'circle' : 'emptyCircle',
    })),
  };
}

/** Equal, allowed, and what came out. */
function lines(estimate: GateEstimate | undefined): object {
  const judged =
    estimate === undefined
      ? []
      : [
          line(estimate.margin, colours.limit, 'dashed', `allowed ${formatShare(estimate.margin)}`),
          line(estimate.value, colours.last, 'dotted', ''),
        ];
  return { silent: true, symbol: 'none', data: [line(1, colours.ink, 'solid', 'equal'), ...judged] };
}

function line(ratio: number, color: string, type: string, text: string): object {
  const label = { ...labelStyle, color, position: 'end', formatter: () => text };
  return { yAxis: ratio, lineStyle: { color, type, width: 1.5 }, label };
}

function pairAxis(last: number): object {
  return {
    type: 'value',
    min: 0,
    max: last + 1,
    axisLabel: { ...labelStyle, formatter: (pair: number) => `pair ${formatCount(pair)}` },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLine: { show: true, lineStyle: { color: colours.grid } },
  };
}
