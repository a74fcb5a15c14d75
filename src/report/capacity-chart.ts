/** The curve of a system under rising load: p95 against the rate, flat until the knee. */
import type { CapacityResult, CapacityStep } from '../result.ts';
import type { SloSpec } from '../scenario.ts';
import { drawSvg, labelStyle, limitLine, logAxis, logRateAxis, printable, stageColour } from './drawing.ts';
import type { Series } from './drawing.ts';
import { formatRate } from './format.ts';

/** The chart by its file name; none when nothing was driven. */
export function renderCapacityChart(capacity: readonly CapacityResult[], slo: SloSpec): Record<string, string> {
  const steps = capacity.flatMap((stage) => stage.steps);
  if (steps.length === 0) return {};
  const svg = drawSvg({
    id: 'capacity',
    title: 'p95 of the response time against the rate',
    height: 380,
    right: 84,
    xAxis: logRateAxis(steps.map(({ ratePerSecond }) => ratePerSecond)),
    yAxis: logAxis([...steps.map(p95Ms), slo.limitMs]),
    series: capacity.flatMap((stage, index) => curveOf(stage, stageColour(index, capacity.length), index, slo)),
  });
  return { 'capacity.svg': svg };
}

function p95Ms({ p95Us }: CapacityStep): number {
  return Math.max(p95Us, 1) / 1000;
}

/** A line through the steps by rate, full dots where the rate held, hollow ones where it did not, and the knee. */
function curveOf(
  { stage, heldPerSecond, steps }: CapacityResult,
  color: string,
  index: number,
  slo: SloSpec,
): Series[] {
  if (steps.length === 0) return [];
  const knee = heldPerSecond === undefined ? [] : [{ xAxis: heldPerSecond, ...kneeStyle(heldPerSecond, color) }];
  const limit = limitLine('yAxis', slo.limitMs);
  return [
    {
      type: 'line',
      name: `${printable(stage)}${heldPerSecond === undefined ? '' : ` (holds ${formatRate(heldPerSecond)})`}`,
      itemStyle: { color },
      lineStyle: { color, width: 2 },
      symbolSize: 8,
      data: steps
        .toSorted((a, b) => a.ratePerSecond - b.ratePerSecond || a.p95Us - b.p95Us)
        .map((step) => ({ value: [step.ratePerSecond, p95Ms(step)], symbol: step.held ? 'circle' : 'emptyCircle' })),
      markLine: { ...limit, data: [...(index === 0 ? limit.data : []), ...knee] },
    },
  ];
}

function kneeStyle(rate: number, color: string): object {
  return {
    lineStyle: { color, type: 'dotted', width: 1.5 },
    label: { ...labelStyle, color, position: 'end', formatter: () => formatRate(rate) },
  };
}
