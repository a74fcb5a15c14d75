/** Words for comparing stages that the reports have in common. */
import type { ClaimOutcome, Counts, Latencies } from '../result.ts';
import { formatBytes, formatCount, formatMs, formatRate, formatRatio } from './format.ts';

/** Latencies of one group of transactions, and what became of them. */
export interface LatencyRow extends Latencies {
  counts: Counts;
}

/**
 * How p95 changed from one stage to another: '412x faster', '1.3x slower', 'same'; empty when one of them has no figures.
 * What the first stage did not finish would have made it slower still: '≥412x faster'.
 */
export function describeChange(time: keyof Latencies, first: LatencyRow, last: LatencyRow): string {
  const [from, to] = [first[time].p95Us, last[time].p95Us];
  if (first[time].count === 0 || last[time].count === 0 || from === 0 || to === 0) return '';
  const size = formatRatio(Math.max(from / to, to / from));
  if (size === '1x') return 'same';
  if (from < to) return `${size} slower`;
  return `${first.counts.unfinished + first.counts.timedOut > 0 ? '≥' : ''}${size} faster`;
}

/** What did not succeed: '3 failed, 12 timed out', or '0'. */
export function describeLosses({ failed, timedOut, unfinished }: Counts): string {
  const losses: [count: number, word: string][] = [
    [failed, 'failed'],
    [timedOut, 'timed out'],
    [unfinished, 'unfinished'],
  ];
  const present = losses.filter(([count]) => count > 0);
  return present.length === 0 ? '0' : present.map(([count, word]) => `${formatCount(count)} ${word}`).join(', ');
}

/** A figure of a claim in its own unit. */
export function formatClaimed({ measure }: ClaimOutcome, value: number): string {
  if (measure.kind === 'latency') return formatMs(value);
  return measure.kind === 'heldRate' ? formatRate(value) : formatBytes(value);
}

/** The promised range: 'at most 1 s', '50 s to 5 min'. */
export function describePromise(claim: ClaimOutcome): string {
  const { atLeast, atMost } = claim;
  if (atLeast !== undefined && atMost !== undefined) {
    return `${formatClaimed(claim, atLeast)} to ${formatClaimed(claim, atMost)}`;
  }
  if (atMost !== undefined) return `at most ${formatClaimed(claim, atMost)}`;
  return atLeast === undefined ? '' : `at least ${formatClaimed(claim, atLeast)}`;
}
