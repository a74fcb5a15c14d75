/** How many pairs an answer needs, and what a number of pairs can see. */
import { normalQuantile } from './normal.ts';
import type { SignedRankInterval } from './signed-rank.ts';

/** Errors that are accepted: a false alarm on one side, and overlooking what is there (1 - power). */
export interface Errors {
  tail: number;
  power: number;
}

/** Fewer pairs exclude nothing: with four the smallest p-value of the signed-rank test is 6 %. */
const leastPairs = 5;

/**
 * Pairs that find a shift of `distance` beyond the margin with the power asked: Student's formula with Guenther's correction for an
 * estimated deviation (1981).
 * @param deviation Standard deviation of the differences, in the unit of `distance`.
 */
export function pairsNeeded(deviation: number, distance: number, { tail, power }: Errors): number {
  const z = normalQuantile(tail);
  const exact = ((z + normalQuantile(1 - power)) * deviation) / distance;
  return Math.max(leastPairs, Math.ceil(exact ** 2 + z ** 2 / 2));
}

/** The smallest distance beyond the margin that so many pairs find with the power asked. Infinite for fewer than two pairs. */
export function smallestDistance(deviation: number, pairs: number, { tail, power }: Errors): number {
  const z = normalQuantile(tail);
  const effective = pairs - z ** 2 / 2;
  return effective <= 0 ? Infinity : ((z + normalQuantile(1 - power)) * deviation) / Math.sqrt(effective);
}

/** Standard error that the width of an interval speaks of; robust, as the interval is. */
export function standardError({ low, high }: SignedRankInterval, tail: number): number {
  return (high - low) / 2 / normalQuantile(tail);
}

/** Smallest true difference that a test against the margin would have found with the power asked. Infinite for an infinite interval. */
export function detectableEffect(interval: SignedRankInterval, margin: number, { tail, power }: Errors): number {
  return margin + (normalQuantile(tail) + normalQuantile(1 - power)) * standardError(interval, tail);
}
