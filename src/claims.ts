/** Claims: figures that somebody promised for a stage, checked against what was measured. */
import { formatPlural } from './report/format.ts';
import type { Block, ClaimOutcome, Percentiles, RunResult, TransactionFigures } from './result.ts';
import type { ClaimMeasure, ClaimSpec } from './scenario.ts';
import { figuresOf, type StageFigures } from './stage-figures.ts';

/** A measured figure; when `atLeast` is set, the true one may be larger. */
interface Measured {
  value: number;
  /** Why the true figure may be larger. */
  lowerBound?: string;
}

/**
 * Holds claims against a run, or those about single queries against a probe. A claim is met when the measured figure lies in
 * the promised range, not met when it lies outside, and not measured when the result cannot tell: the stage or the transaction
 * did not run, the data was not at full size, statements were cancelled before the promised time had passed, or nothing here
 * measures such a figure.
 */
export function assessClaims(claims: readonly ClaimSpec[], result: RunResult): ClaimOutcome[] {
  const probed = result.probe !== undefined;
  const answerable = claims.filter(({ measure }) => (measure.kind === 'probe') === probed);
  return answerable.map((claim) => {
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
  if (value > atMost) return { outcome: 'not met', note: `${comparatives[claim.measure.kind][1]} than promised` };
  if (lowerBound !== undefined && (atMost < Infinity || value < atLeast)) {
    return { outcome: 'not measured', note: lowerBound };
  }
  if (value < atLeast) return { outcome: 'not met', note: `${comparatives[claim.measure.kind][0]} than promised` };
  return { outcome: 'met', ...(lowerBound === undefined ? {} : { note: lowerBound }) };
}

/** Below and above the promise. */
const comparatives: Record<ClaimMeasure['kind'], readonly [below: string, above: string]> = {
  latency: ['faster', 'slower'],
  probe: ['faster', 'slower'],
  heldRate: ['less', 'more'],
  timeouts: ['fewer', 'more'],
  databaseBytes: ['smaller', 'larger'],
  relationBytes: ['smaller', 'larger'],
  rows: ['fewer', 'more'],
  reading: ['less', 'more'],
  none: ['less', 'more'],
};

/** A measure of some kinds. */
type Measure<Kind extends ClaimMeasure['kind']> = Extract<ClaimMeasure, { kind: Kind }>;

type Assessment = Pick<ClaimOutcome, 'outcome' | 'note'>;

/** The measured figure in the unit of the claim, or why there is none. */
function measure({ measure, stage: name }: ClaimSpec, result: RunResult): Measured | string {
  if (measure.kind === 'none') return measure.reason;
  const stage = result.stages.find((one) => one.name === name);
  if (!stage) return 'the stage was not run';
  if (measure.kind === 'databaseBytes') return { value: stage.databaseBytes };
  if (measure.kind === 'rows' || measure.kind === 'relationBytes') return measureRelation(measure, stage);
  if (measure.kind === 'reading') return measureReading(measure.reading, name, result);
  if (measure.kind === 'probe') return measureProbe(measure, name, result);
  return measureLoad(measure, name, result);
}

function measureRelation(
  measure: Measure<'rows' | 'relationBytes'>,
  { relations }: RunResult['stages'][number],
): Measured | string {
  const relation = relations.find(({ table }) => table === measure.table);
  if (!relation) return 'there is no such table';
  if (measure.kind === 'rows') return { value: relation.rows };
  return {
    value: { heap: relation.heapBytes, indexes: relation.indexBytes, total: relation.totalBytes }[measure.part],
  };
}

function measureReading(name: string, stage: string, { readings = [] }: RunResult): Measured | string {
  const reading = readings.find((one) => one.name === name && one.stage === stage);
  if (reading?.value === undefined) return reading?.error ?? 'the reading was not taken';
  return { value: reading.value };
}

function measureProbe(measure: Measure<'probe'>, stage: string, { probe = [] }: RunResult): Measured | string {
  const { transaction, class: label, statistic } = measure;
  const found = probe.find((one) => one.stage === stage && one.transaction === transaction && one.class === label);
  if (!found) return 'it was not probed';
  if (found.failed > 0) return `${formatPlural(found.failed, 'run')} of ${found.runs} failed`;
  const value = (statistic === 'p50' ? found.p50Us : found.maxUs) / 1000;
  if (found.timedOut === 0) return { value };
  return {
    value,
    lowerBound: `at least: the statement timeout ended ${found.timedOut} of ${formatPlural(found.runs, 'run')}`,
  };
}

function measureLoad(
  measure: Measure<'latency' | 'heldRate' | 'timeouts'>,
  stage: string,
  result: RunResult,
): Measured | string {
  const figures = figuresOf(result, stage);
  if (!figures) return 'the stage was not measured';
  if (measure.kind === 'latency') return measureLatency(measure, figures.mainBlock, result.load.statementTimeoutMs);
  if (measure.kind === 'timeouts')
    return { value: figures.blocks.reduce((sum, { counts }) => sum + counts.timedOut, 0) };
  if (figures.saturatedBlock) return { value: figures.heldPerSecond };
  return { value: heldPerSecond(figures), lowerBound: 'no more was offered' };
}

/** Arrivals are drawn at random: a stage that carried out all of them held the rate that was asked for, though some fewer were drawn. */
function heldPerSecond({ blocks, mainBlock, heldPerSecond: succeeded }: StageFigures): number {
  const heldAll = blocks.every(({ counts }) => counts.succeeded === counts.scheduled);
  return heldAll ? Math.max(succeeded, mainBlock.ratePerSecond) : succeeded;
}

function measureLatency(measure: Measure<'latency'>, block: Block, statementTimeoutMs: number): Measured | string {
  const transaction = figuresOfClaim(measure.transaction, block);
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

/** Of one transaction, or of all together, which have no classes. */
function figuresOfClaim(
  name: string | undefined,
  { transactions, total, counts }: Block,
): Pick<TransactionFigures, 'response' | 'service' | 'counts' | 'classes'> | undefined {
  return name === undefined ? { ...total, counts, classes: {} } : transactions.find((own) => own.name === name);
}

function isCutShort({ counts }: Pick<TransactionFigures, 'counts'>): boolean {
  return counts.timedOut + counts.unfinished > 0;
}

function cutShort({ counts }: Pick<TransactionFigures, 'counts'>): string {
  const cut = counts.timedOut + counts.unfinished;
  return `${formatPlural(cut, 'transaction')} of ${formatPlural(counts.scheduled, 'arrival')} ${cut === 1 ? 'was' : 'were'}`;
}

function statisticUs(percentiles: Percentiles, statistic: Measure<'latency'>['statistic']): number {
  return percentiles[`${statistic}Us`];
}
