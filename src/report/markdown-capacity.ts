/** The capacity section of report.md: how far each stage goes, and every step that was driven for it. */
import { describeHeadroom } from '../capacity/figures.ts';
import type { CapacityResult, RunResult } from '../result.ts';
import { formatCount, formatMs, formatRate, formatShare, formatUs } from './format.ts';
import { details, escapeText, table, toRight } from './markdown-text.ts';

/** Parts in the order of the report; none when the result has no search for the capacity. */
export function renderCapacity(result: RunResult, chart: string): string[] {
  const { capacity } = result;
  if (capacity === undefined || capacity.length === 0) return [];
  return [
    capacityTable(capacity, result),
    chart,
    'Rates were doubled until one missed the objective, then the interval was halved on a logarithmic scale; both of its ends were ' +
      'driven at least twice, and most of the steps of a rate decide. The steps of a stage follow each other on one clone: later ' +
      'steps meet the data that earlier ones wrote.',
    details('Every step', stepTable(capacity)),
  ];
}

function capacityTable(capacity: readonly CapacityResult[], { slo, load }: RunResult): string {
  const rows = capacity.map(({ stage, heldPerSecond, missedPerSecond, steps }) => {
    const best = steps.findLast(({ ratePerSecond, held }) => held && ratePerSecond === heldPerSecond);
    return [
      escapeText(stage),
      heldPerSecond === undefined ? 'none' : `**${formatRate(heldPerSecond)}**`,
      missedPerSecond === undefined ? 'none tried' : formatRate(missedPerSecond),
      heldPerSecond === undefined ? '' : describeHeadroom(heldPerSecond, load.ratePerSecond),
      best ? formatUs(best.p95Us) : '',
    ];
  });
  const objective = `p${slo.percentile} < ${formatMs(slo.limitMs)}`;
  const figures = [
    `Holds ${objective} up to`,
    'Misses it at',
    `Headroom over ${formatRate(load.ratePerSecond)}`,
    'p95 there',
  ];
  return table(['Stage', ...figures.map(toRight)], rows);
}

function stepTable(capacity: readonly CapacityResult[]): string {
  const rows = capacity.flatMap(({ stage, steps }) =>
    steps.map((step) => {
      const times = [step.p50Us, step.p95Us, step.p99Us].map((us) => `${step.saturated ? '≥' : ''}${formatUs(us)}`);
      return [
        escapeText(stage),
        formatRate(step.ratePerSecond),
        step.held ? 'held' : step.saturated ? '**saturated**' : '**missed**',
        formatRate(step.donePerSecond),
        ...times,
        step.scheduled > 0 ? formatShare(step.missed / step.scheduled) : '',
        formatCount(step.scheduled),
        formatMs(step.measuredMs),
        formatUs(step.latenessP99Us),
      ];
    }),
  );
  const figures = ['Done', 'p50', 'p95', 'p99', 'Missed', 'Arrivals', 'Counted', 'Generator late (p99)'];
  return table(['Stage', toRight('Offered'), '', ...figures.map(toRight)], rows);
}
