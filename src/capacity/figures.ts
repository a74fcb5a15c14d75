/** What a search for the capacity means: headroom over the rate that was asked for, and its gate. Pure. */
import { formatMs, formatRate, formatRatio } from '../report/format.ts';
import type { CapacityResult, Gate, RunResult } from '../result.ts';
import { unfinished } from '../validity.ts';

/**
 * The capacity gate: the last stage holds the rate of the load. It fails when a rate at or below that was missed, and is inconclusive
 * where the rate lies between the two ends of the answer.
 */
export function judgeCapacity(result: RunResult): Gate {
  const gate = { name: 'slo' as const };
  if (result.status !== 'complete') return { ...gate, outcome: 'inconclusive', reason: `${unfinished(result)}.` };
  const last = result.capacity?.at(-1);
  if (!last) return { ...gate, outcome: 'inconclusive', reason: 'nothing was measured to judge.' };
  const { heldPerSecond = 0, missedPerSecond = Infinity } = last;
  const asked = result.load.ratePerSecond;
  const outcome = heldPerSecond >= asked ? 'pass' : missedPerSecond <= asked ? 'fail' : 'inconclusive';
  return { ...gate, stage: last.stage, outcome, reason: `"${last.stage}" ${describeCapacity(last, result)}.` };
}

/** 'holds p95 < 50 ms up to 4,100/s (4,500/s missed it): headroom 4.1x over 1,000/s' */
export function describeCapacity(capacity: CapacityResult, { slo, load }: Pick<RunResult, 'slo' | 'load'>): string {
  const { heldPerSecond, missedPerSecond } = capacity;
  const objective = `p${slo.percentile} < ${formatMs(slo.limitMs)}`;
  if (heldPerSecond === undefined) {
    const lowest = missedPerSecond === undefined ? '' : `: it missed it at ${formatRate(missedPerSecond)} too`;
    return `holds ${objective} at no rate that was tried${lowest}`;
  }
  const above = missedPerSecond === undefined ? 'no higher rate was tried' : `${formatRate(missedPerSecond)} missed it`;
  return (
    `holds ${objective} up to ${formatRate(heldPerSecond)} (${above}): ` +
    `headroom ${describeHeadroom(heldPerSecond, load.ratePerSecond)} over ${formatRate(load.ratePerSecond)}`
  );
}

/** '4.1x'; of a stage that holds less than was asked, '0.08x'. */
export function describeHeadroom(heldPerSecond: number, askedPerSecond: number): string {
  const ratio = heldPerSecond / askedPerSecond;
  return ratio >= 1 ? formatRatio(ratio) : `${Number(ratio.toPrecision(2))}x`;
}
