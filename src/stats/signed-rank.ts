/**
 * Wilcoxon's signed-rank test and the Hodges-Lehmann estimate for paired differences (Wilcoxon 1945; Hodges and Lehmann 1963;
 * Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, chapter 3). Robust: a few wild pairs move neither.
 */
import { normalQuantile, normalTail } from './normal.ts';
import { midRanks } from './ranks.ts';
import { medianOfSorted } from './median.ts';

/** Up to this many pairs the distribution is counted out, above it is as good as normal. */
const maxExactPairs = 60;

/** The typical difference and an interval that lies on the wrong side of the truth with the given probability at each end. */
export interface SignedRankInterval {
  /** Hodges-Lehmann: median of the averages of all two differences. */
  estimate: number;
  /** Infinite where so few pairs exclude nothing at this error. */
  low: number;
  high: number;
  n: number;
}

/**
 * Estimate and interval from the sorted Walsh averages.
 * @param tail Probability of error at each end: 0.05 gives a 90 % interval.
 * @throws RangeError without differences.
 */
export function signedRank(differences: readonly number[], tail: number): SignedRankInterval {
  if (differences.length === 0) throw new RangeError('A signed-rank interval needs at least one difference.');
  const averages = walshAverages(differences);
  const cut = lowerCut(differences.length, tail);
  return {
    estimate: medianOfSorted(averages),
    low: cut === 0 ? -Infinity : averages[cut - 1]!,
    high: cut === 0 ? Infinity : averages[averages.length - cut]!,
    n: differences.length,
  };
}

/** Averages of each difference with itself and with every other, sorted. */
function walshAverages(differences: readonly number[]): Float64Array {
  const averages = new Float64Array((differences.length * (differences.length + 1)) / 2);
  let at = 0;
  differences.forEach((one, index) => {
    for (let other = index; other < differences.length; other++) averages[at++] = (one + differences[other]!) / 2;
  });
  return averages.sort();
}

/** Largest number of Walsh averages to cut off at each end with an error of at most `tail`: P(W+ < cut) <= tail. */
function lowerCut(n: number, tail: number): number {
  if (n > maxExactPairs) return Math.max(0, Math.floor(mean(n) - normalQuantile(tail) * Math.sqrt(variance(n))));
  const probability = signedSums(Array.from({ length: n }, (_, index) => index + 1));
  let cut = 0;
  for (let below = probability[0]!; below <= tail; below += probability[cut]!) cut++;
  return cut;
}

/** Of the sum of the ranks 1 ... n, each taken with probability one half. */
const mean = (n: number): number => (n * (n + 1)) / 4;
const variance = (n: number): number => (n * (n + 1) * (2 * n + 1)) / 24;

/** Probability of each sum of whole-number ranks, each taken or left with probability one half. */
function signedSums(ranks: readonly number[]): Float64Array {
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const probability = new Float64Array(total + 1);
  probability[0] = 1;
  let reached = 0;
  for (const rank of ranks) {
    reached += rank;
    for (let sum = reached; sum >= 0; sum--) {
      probability[sum] = (probability[sum]! + (sum >= rank ? probability[sum - rank]! : 0)) / 2;
    }
  }
  return probability;
}

/**
 * Probability that differences whose typical value is at most `margin` rank as high as these do. Ties share their mean rank,
 * differences equal to the margin are left out; without any other the probability is 1.
 */
export function signedRankPValue(differences: readonly number[], margin: number): number {
  const shifted = differences.map((difference) => difference - margin).filter((difference) => difference !== 0);
  if (shifted.length === 0) return 1;
  const ranks = midRanks(shifted.map(Math.abs));
  const positive = shifted.reduce((sum, difference, at) => sum + (difference > 0 ? ranks[at]! : 0), 0);
  return shifted.length > maxExactPairs ? normalPValue(ranks, positive) : exactPValue(ranks, positive);
}

/** Mean ranks are halves, so twice the ranks are whole numbers and can be counted out. */
function exactPValue(ranks: readonly number[], positive: number): number {
  const probability = signedSums(ranks.map((rank) => Math.round(2 * rank)));
  return Math.min(1, sumOf(probability.subarray(Math.round(2 * positive))));
}

/** With continuity correction; the variance of ranks that are mean ranks already knows about ties. */
function normalPValue(ranks: readonly number[], positive: number): number {
  const expected = sumOf(ranks) / 2;
  const deviation = Math.sqrt(ranks.reduce((sum, rank) => sum + rank ** 2, 0)) / 2;
  return normalTail((positive - 0.5 - expected) / deviation);
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
