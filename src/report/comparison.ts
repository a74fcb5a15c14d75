/** Words for comparing stages that the reports have in common. */
import type { Block, ClaimOutcome, Counts, GateEstimate, Latencies } from '../result.ts';
import type { ClaimMeasure } from '../scenario.ts';
import {
  formatBytes,
  formatCount,
  formatMs,
  formatPlural,
  formatRate,
  formatRatio,
  formatReading,
  formatShare,
} from './format.ts';

/** Latencies of one group of transactions, and what became of them. */
export interface LatencyRow extends Latencies {
  counts: Counts;
  missed: number;
  retries?: number;
}

/** All transactions of a block together. */
export function rowOf({ total, counts, missed, transactions }: Block): LatencyRow {
  return { ...total, counts, missed, retries: transactions.reduce((sum, { retries = 0 }) => sum + retries, 0) };
}

/** With fewer samples than this, p95 is the maximum by another name. */
export const leastForP95 = 20;

/**
 * How p95 changed from one stage to another: '412x faster', '1.3x slower', 'same'; empty when one of them has no figures.
 * What the first stage did not finish would have made it slower still: '≥412x faster'. A handful of samples: '~412x faster'.
 */
export function describeChange(time: 'response' | 'service', first: LatencyRow, last: LatencyRow): string {
  const [from, to] = [first[time].p95Us, last[time].p95Us];
  const count = Math.min(first[time].count, last[time].count);
  if (count === 0 || from === 0 || to === 0) return '';
  const size = formatRatio(Math.max(from / to, to / from));
  if (size === '1x') return 'same';
  const few = count < leastForP95 ? '~' : '';
  if (from < to) return `${few}${size} slower`;
  const cut = first.counts.unfinished + first.counts.timedOut > 0 ? '≥' : '';
  return `${few || cut}${size} faster`;
}

/** Cells of an estimate: its value, its interval, what is allowed; empty without one. */
export function estimateCells(estimate: GateEstimate | undefined): [value: string, interval: string, margin: string] {
  if (estimate === undefined) return ['', '', ''];
  const { value, low, high, margin } = estimate;
  return [formatShare(value), `${formatShare(low)} to ${formatShare(high)}`, formatShare(margin)];
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

/** What did not succeed, and how often PostgreSQL asked for a repetition: '3 failed, 37 retries'. */
export function describeTroubles({ counts, retries = 0 }: LatencyRow): string {
  const losses = describeLosses(counts);
  return retries === 0 ? losses : `${losses}, ${formatPlural(retries, 'retry', 'retries')}`;
}

/** How many claims had which outcome: '11 claims: 8 met, 2 not met, 1 not measured.' */
export function describeClaims(claims: readonly ClaimOutcome[]): string {
  const outcomes = (['met', 'not met', 'not measured'] as const).map(
    (outcome) => `${formatCount(claims.filter((claim) => claim.outcome === outcome).length)} ${outcome}`,
  );
  return `${formatPlural(claims.length, 'claim')}: ${outcomes.join(', ')}.`;
}

/** A figure of a claim in its own unit. */
export function formatClaimed({ measure }: ClaimOutcome, value: number): string {
  return measure.kind === 'reading' ? formatReading(value, measure.unit) : claimFormats[measure.kind](value);
}

const claimFormats: Record<Exclude<ClaimMeasure['kind'], 'reading'>, (value: number) => string> = {
  latency: formatMs,
  probe: formatMs,
  heldRate: formatRate,
  timeouts: formatCount,
  databaseBytes: formatBytes,
  relationBytes: formatBytes,
  rows: formatCount,
  none: formatCount,
};

/** The promised range: 'at most 1 s', '50 s to 5 min'. */
export function describePromise(claim: ClaimOutcome): string {
  const { atLeast, atMost } = claim;
  if (atLeast !== undefined && atMost !== undefined) {
    return `${formatClaimed(claim, atLeast)} to ${formatClaimed(claim, atMost)}`;
  }
  if (atMost !== undefined) return `at most ${formatClaimed(claim, atMost)}`;
  return atLeast === undefined ? '' : `at least ${formatClaimed(claim, atLeast)}`;
}
