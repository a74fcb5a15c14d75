/** Claims: figures that somebody promised for a stage, checked against what was measured. */
import { formatPlural } from './report/format.ts';
import type { Block, ClaimOutcome, Percentiles, RunResult, TransactionFigures } from './result.ts';
import type { ClaimSpec } from './scenario.ts';
import { figuresOf } from './stage-figures.ts';

/** A measured figure; when `atLeast` is set, the true one may be larger. */
interface Measured {
  value: number;
  /** Why the true figure may be larger. */
  lowerBound?: string;
}

/**
 * Holds every claim against the run. A claim is met when the measured figure lies in the promised range, not met when it
 * lies outside, and not measured when the run cannot tell: the stage or the transaction did not run, the data was not at
 * full size, or statements were cancelled before the promised time had passed.
 */
export function assessClaims(claims: readonly ClaimSpec[], result: RunResult): ClaimOutcome[] {
  return claims.map((claim) => {
    const measured = measure(claim, result);
    return typeof measured === 'string'
      ? { ...claim, outcome: 'not measured', note: measured }
      : { ...claim, measured: measured.value, ...assess(claim, measured, result.seed?.scale ?? 1) };
  });
}

function assess(claim: ClaimSpec, { value, lowerBound }: Measured, scale: number): Assessment {
  if (scale !== 1) {
    return { outcome: 'not measured', note: `measured at scale ${scale}; the promise is about the full size` };
  }
  const { atLeast = -Infinity, atMost = Infinity } = claim;
  if (value > atMost) return { outcome: 'not met', note: outside[claim.measure.kind].above };
  if (lowerBound !== undefined && (atMost < Infinity || value < atLeast)) {
    return { outcome: 'not measured', note: lowerBound };
  }
  if (value < atLeast) return { outcome: 'not met', note: outside[claim.measure.kind].below };
  return { outcome: 'met', ...(lowerBound === undefined ? {} : { note: lowerBound }) };
}

const outside = {
  latency: { above: 'slower than promised', below: 'faster than promised' },
  heldRate: { above: 'more than promised', below: 'less than promised' },
  databaseBytes: { above: 'larger than promised', below: 'smaller than promised' },
};

type Assessment = Pick<ClaimOutcome, 'outcome' | 'note'>;

/** The measured figure in the unit of the claim, or why there is none. */
function measure(claim: ClaimSpec, result: RunResult): Measured | string {
  const { measure } = claim;
  const stage = result.stages.find(({ name }) => name === claim.stage);
  if (!stage) return 'the stage was not run';
  if (measure.kind === 'databaseBytes') return { value: stage.databaseBytes };
  const figures = figuresOf(result, claim.stage);
  if (!figures) return 'the stage was not measured';
  if (measure.kind === 'latency') return measureLatency(measure, figures.mainBlock, result.load.statementTimeoutMs);
  if (figures.saturatedBlock) return { value: figures.heldPerSecond };
  return { value: figures.heldPerSecond, lowerBound: 'no more was offered' };
}

function measureLatency(
  measure: Extract<ClaimSpec['measure'], { kind: 'latency' }>,
  block: Block,
  statementTimeoutMs: number,
): Measured | string {
  const transaction = block.transactions.find(({ name }) => name === measure.transaction);
  const latencies = measure.class === undefined ? transaction : transaction?.classes[measure.class];
  const percentiles = latencies?.[measure.time];
  if (!transaction || !percentiles || percentiles.count === 0) return 'it did not occur';
  const value = statisticUs(percentiles, measure.statistic) / 1000;
  if (block.outcome === 'saturated' && measure.time === 'response') {
    return { value, lowerBound: 'at least: the stage was saturated and its queue still growing' };
  }
  if (isCutShort(transaction) && value >= statementTimeoutMs * 0.95) {
    return { value, lowerBound: `at least: ${cutShort(transaction)} cut short` };
  }
  return { value };
}

function isCutShort({ counts }: TransactionFigures): boolean {
  return counts.timedOut + counts.unfinished > 0;
}

function cutShort({ counts }: TransactionFigures): string {
  const cut = counts.timedOut + counts.unfinished;
  return `${formatPlural(cut, 'transaction')} of ${formatPlural(counts.scheduled, 'arrival')} ${cut === 1 ? 'was' : 'were'}`;
}

function statisticUs(percentiles: Percentiles, statistic: 'p50' | 'p95' | 'p99' | 'max'): number {
  return percentiles[`${statistic}Us`];
}
