/** The gate of the typical p95: did the last stage get slower than the first, by pairs of blocks? The method is in docs/method.md. */
import type { Comparison, PairKind } from '../comparison/record.ts';
import { formatPlural, formatShare, formatUs } from '../report/format.ts';
import { wrongAnswer, type Block, type Gate, type GateEstimate, type Outcome, type RunResult } from '../result.ts';
import type { GateSpec } from '../scenario.ts';
import { holm } from '../stats/holm.ts';
import { detectableEffect, standardError } from '../stats/power.ts';
import { signFlipPValue } from '../stats/sign-flip.ts';
import { signedRank, signedRankPValue, type SignedRankInterval } from '../stats/signed-rank.ts';
import { finishedPairs, leastPairs, logRatios, p95Of, type FinishedPair } from './pairs.ts';
import { median } from '../stats/median.ts';

/** Error on each side of an interval, over all looks together. */
const totalTail = 0.05;
/** More pairs thrown away than this share, and what is left may no longer stand for the whole. */
const maxDiscardedShare = 0.2;
/** What is less than a millisecond more is never a regression: users cannot feel it, and machines vary by it. */
const slackUs = 1000;

/** Why pairs would prove nothing after the stages ran alone; undefined when they can be compared. */
export function obstacleToPairs({ stages, blocks, answers, invariants }: RunResult): string | undefined {
  const [first, last] = [stages[0]?.name, stages.at(-1)?.name];
  for (const name of [first, last]) {
    if (isSaturated(blocks, name)) return `${name} cannot hold the rate`;
  }
  const wrong =
    answers.some(({ different }) => different > 0) ||
    invariants.some(({ holds }) => !holds) ||
    blocks.some(({ transactions }) => transactions.some(({ errors }) => wrongAnswer in errors));
  return wrong ? 'correctness is broken already' : undefined;
}

function isSaturated(blocks: readonly Block[], stage: string | undefined): boolean {
  return blocks.some((block) => block.stage === stage && block.outcome === 'saturated');
}

/**
 * The gate for all transactions together, then one for each of them. Empty when the run was not to compare anything.
 *
 * Fail when the interval of p95 after / p95 before lies above the margin, pass when it lies below, else inconclusive. Also
 * inconclusive when the twin of the first stage shows that equal clones differ, or too many pairs had to be thrown away.
 */
export function judgeTypical(result: RunResult): Gate[] {
  const { comparison, gate: spec } = result;
  if (comparison !== undefined && spec !== undefined) return judgeComparison(comparison, spec);
  return saturationGate(result);
}

/** Where a stage could not hold the rate, that decides; pairs were not measured. */
function saturationGate({ stages, blocks, gate }: RunResult): Gate[] {
  const [first, last] = [stages[0]?.name, stages.at(-1)?.name];
  if (gate === undefined || stages.length < 2 || !isSaturated(blocks, first)) return [];
  const name = 'typical-p95' as const;
  return isSaturated(blocks, last)
    ? [{ name, outcome: 'inconclusive', reason: `neither ${first} nor ${last} can hold the rate.` }]
    : [
        {
          name,
          outcome: 'pass',
          reason: `${first} cannot hold the rate at all, ${last} can: pairs prove nothing more.`,
        },
      ];
}

/** Whether the pairs so far suffice: the looks that were planned end here. */
export function decidesTypical(comparison: Comparison, spec: GateSpec): boolean {
  return judgeOverall(comparison, spec).outcome !== 'inconclusive';
}

function judgeComparison(comparison: Comparison, spec: GateSpec): Gate[] {
  const overall = judgeOverall(comparison, spec);
  return [overall, ...judgeTransactions(comparison, spec)];
}

function judgeOverall(comparison: Comparison, spec: GateSpec): Gate {
  const name = 'typical-p95' as const;
  const all = finishedPairs(comparison, 'change');
  const kept = all.filter(({ discarded }) => discarded === undefined);
  if (kept.length < leastPairs) {
    const reason = `${formatPlural(kept.length, 'usable pair')} of blocks are too few to judge; ${leastPairs} are the least.`;
    return { name, outcome: 'inconclusive', reason };
  }
  const { estimate, outcome } = judgePairs(kept, comparison, spec);
  const fault = soundnessFault(comparison, spec, estimate);
  const stages = `${comparison.before} and ${comparison.after}`;
  if (fault !== undefined) {
    return { name, outcome: 'inconclusive', reason: `${fault}, so ${stages} cannot be told apart.`, estimate };
  }
  const reason = `${describe(comparison, estimate, outcome, kept)}${withDiscarded(all, kept, comparison, spec)}`;
  return { name, outcome, reason, estimate };
}

/** Estimate, interval and outcome of some pairs, as ratios of p95. */
function judgePairs(
  pairs: readonly FinishedPair[],
  comparison: Comparison,
  spec: GateSpec,
  transaction?: string,
): { estimate: GateEstimate; outcome: Outcome; differences: number[]; margin: number } {
  const differences = logRatios(pairs, transaction);
  const margin = marginOf(pairs, spec, transaction);
  const tail = tailOf(comparison);
  const interval = signedRank(differences, tail);
  const detectable = Math.exp(detectableEffect(interval, margin, { tail, power: 0.8 }));
  const estimate = { ...ratios(interval, margin, detectable), signFlipPValue: signFlipPValue(differences, margin) };
  return { estimate, outcome: decide(interval, margin), differences, margin };
}

function decide({ low, high }: SignedRankInterval, margin: number): Outcome {
  if (low > margin) return 'fail';
  return high < margin ? 'pass' : 'inconclusive';
}

function ratios({ estimate, low, high }: SignedRankInterval, margin: number, detectable: number): GateEstimate {
  const [value, lower, upper] = [estimate, low, high].map(Math.exp) as [number, number, number];
  return { value, low: lower, high: upper, margin: Math.exp(margin), unit: 'ratio', detectable };
}

/** The looks share the error, so that looking again costs nothing (Bonferroni). */
function tailOf({ plan }: Comparison): number {
  return totalTail / plan.looks.length;
}

/** ln(1 + the larger of the allowed share and a millisecond), from the median p95 of the first stage. */
function marginOf(pairs: readonly FinishedPair[], { maxRegression }: GateSpec, transaction?: string): number {
  const p95s = pairs.flatMap(({ before }) => p95Of(before, transaction) ?? []);
  const typicalUs = p95s.length === 0 ? slackUs : median(p95s);
  return Math.log(1 + Math.max(maxRegression, slackUs / typicalUs));
}

/** Why the pairs cannot be believed: too many thrown away, or the twins differ. */
function soundnessFault(comparison: Comparison, spec: GateSpec, estimate: GateEstimate): string | undefined {
  const pairs = [...finishedPairs(comparison, 'change'), ...finishedPairs(comparison, 'same')];
  const thrown = pairs.filter(({ discarded }) => discarded !== undefined);
  if (thrown.length > pairs.length * maxDiscardedShare) {
    const share = formatShare(thrown.length / pairs.length);
    return `${share} of the pairs had to be thrown away (${commonest(thrown)}; at most ${formatShare(maxDiscardedShare)} may be)`;
  }
  return twinFault(comparison, spec, Math.log(estimate.low / estimate.margin));
}

function commonest(thrown: readonly FinishedPair[]): string {
  const reasons = thrown.map(({ discarded }) => discarded!);
  const times = (reason: string): number => reasons.filter((other) => other === reason).length;
  return reasons.toSorted((a, b) => times(b) - times(a))[0]!;
}

/** How two equal clones of the first stage came out, in pairs among the others; undefined where too few are usable. */
export function twinEstimate(comparison: Comparison, spec: GateSpec): GateEstimate | undefined {
  const pairs = usablePairs(comparison, 'same');
  if (pairs.length === 0) return undefined;
  const { estimate } = judgePairs(pairs, comparison, spec);
  return Number.isFinite(estimate.high) ? estimate : undefined;
}

/** Standard deviation of ln(p95 / p95) of a pair, as the width of the interval of the usable pairs tells it: robust. Undefined for few pairs. */
export function scatterOf(comparison: Comparison): number | undefined {
  const differences = logRatios(usablePairs(comparison, 'change'));
  if (differences.length < leastPairs) return undefined;
  const tail = tailOf(comparison);
  return standardError(signedRank(differences, tail), tail) * Math.sqrt(differences.length);
}

/**
 * Two clones of one stage must look alike. An interval that misses 0 alone would cry wolf in one run of ten, so the difference must
 * also be one that matters: half the margin. And their scatter must leave the margin visible to the pairs that decide: the floor is
 * half the width that as many equal pairs would have. What is proved in spite of the scatter, and by more than the twins differ, stays
 * proved: `beyond` is how far the lower end lies above the margin, on the log scale.
 */
function twinFault(comparison: Comparison, spec: GateSpec, beyond: number): string | undefined {
  const [same, change] = [usablePairs(comparison, 'same'), usablePairs(comparison, 'change')];
  if (same.length === 0) return 'no pair of two equal clones was measured';
  const { low, high, estimate } = signedRank(logRatios(same), tailOf(comparison));
  const margin = marginOf(same, spec);
  if (beyond > Math.abs(estimate)) return undefined;
  if ((low > 0 || high < 0) && Math.abs(estimate) > margin / 2) {
    return `two equal clones of ${comparison.before} already differ by ${percentAbove(Math.abs(estimate))}`;
  }
  const floor = ((high - low) / 2) * Math.sqrt(same.length / change.length);
  if (floor <= margin || beyond > 0) return undefined;
  const scatter = Number.isFinite(floor) ? `scatter by ${percentAbove(floor)}` : 'were measured too seldom';
  return `two equal clones of ${comparison.before} ${scatter}, and the margin is ${percentAbove(margin)}`;
}

/** The share by which a logarithm of a ratio lies above 1. */
function percentAbove(logarithm: number): string {
  return formatShare(Math.expm1(logarithm));
}

function usablePairs(comparison: Comparison, kind: PairKind): FinishedPair[] {
  return finishedPairs(comparison, kind).filter(({ discarded }) => discarded === undefined);
}

function describe(
  { before, after }: Comparison,
  { value, low, high, margin, detectable }: GateEstimate,
  outcome: Outcome,
  kept: readonly FinishedPair[],
): string {
  const from = formatUs(median(kept.map((pair) => pair.before.p95Us)));
  const change = `p95 of "${after}" is ${ratioText(value)} of "${before}" (typically ${from})`;
  const interval = `90 % interval ${ratioText(low)} to ${ratioText(high)}, allowed ${ratioText(margin)}`;
  const judged = outcome === 'fail' ? 'a regression is proved' : outcome === 'pass' ? passed(high) : 'not decided';
  const power =
    detectable === undefined ? '' : ` ${formatPlural(kept.length, 'pair')} would have caught ${ratioText(detectable)}.`;
  return `${change}: ${judged} (${interval}).${power}`;
}

function passed(high: number): string {
  return high < 1 ? 'improved' : 'not worse';
}

/** 1.034 is "103.4 %". */
function ratioText(ratio: number): string {
  return formatShare(ratio);
}

/** The verdict is shown with and without what was thrown away. */
function withDiscarded(
  all: readonly FinishedPair[],
  kept: readonly FinishedPair[],
  comparison: Comparison,
  spec: GateSpec,
): string {
  const thrown = all.length - kept.length;
  if (thrown === 0) return '';
  const { estimate, outcome } = judgePairs(all, comparison, spec);
  return ` ${formatPlural(thrown, 'pair')} thrown away; with them: ${outcome}, ${ratioText(estimate.low)} to ${ratioText(estimate.high)}.`;
}

/**
 * Each transaction by itself. Several are tested, so failures have to survive Holm's correction; what is not decided is shown and
 * does not decide.
 */
function judgeTransactions(comparison: Comparison, spec: GateSpec): Gate[] {
  const kept = usablePairs(comparison, 'change');
  const names = kept[0]?.before.transactions.map(({ name }) => name) ?? [];
  const judged = names.flatMap((transaction) => {
    if (logRatios(kept, transaction).length < leastPairs) return [];
    const { estimate, outcome, differences, margin } = judgePairs(kept, comparison, spec, transaction);
    return [{ transaction, estimate, outcome, pValue: signedRankPValue(differences, margin) }];
  });
  const adjusted = holm(judged.map(({ pValue }) => pValue));
  return judged.map(({ transaction, estimate, outcome }, at) => {
    const sound = soundnessFault(comparison, spec, estimate) === undefined;
    const proved = sound && adjusted[at]! < tailOf(comparison);
    const judgedAs: Outcome = proved ? 'fail' : outcome === 'fail' ? 'inconclusive' : outcome;
    return {
      name: 'typical-p95' as const,
      transaction,
      outcome: judgedAs,
      reason: describeTransaction(transaction, estimate, judgedAs),
      estimate,
      ...(proved ? {} : { advisory: true }),
    };
  });
}

function describeTransaction(
  transaction: string,
  { value, low, high, margin }: GateEstimate,
  outcome: Outcome,
): string {
  const judged = outcome === 'fail' ? 'a regression is proved' : outcome === 'pass' ? passed(high) : 'not decided';
  return `p95 of ${transaction} is ${ratioText(value)} of before: ${judged} (90 % interval ${ratioText(low)} to ${ratioText(high)}, allowed ${ratioText(margin)}).`;
}
