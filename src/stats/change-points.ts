/**
 * Where the level of a series changed: circular binary segmentation (Olshen, Venkatraman, Lucito and Wigler, Biostatistics 5,
 * 2004). Each part of the series is searched for the stretch that differs most from the rest of the part, so that a regression
 * that was repaired later is found too; methods that cut once at a time (Pettitt, Applied Statistics 28, 1979) overlook it.
 * The difference is Mann-Whitney's U, standardised: with ranks, one wild run moves nothing.
 *
 * How large a difference must be is told by seeded permutations, which are right for short series too. They take the values for
 * independent. Neighbours that resemble each other would raise false alarms, so the statistic shrinks by the square root of
 * (1 - r) / (1 + r), r being the correlation of neighbours around the levels found (Bayley and Hammersley, The effective number
 * of independent observations, 1946).
 */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { midRanks } from './ranks.ts';

/** Values between two changes, at least. */
export const leastSegment = 5;

/** Probability of a change where there is none, for each part that is searched. */
const level = 0.01;

const permutations = 1999;

/** A change between two neighbours of a series. */
export interface ChangePoint {
  /** Index of the first value after the change. */
  at: number;
  /** Of the two sides of the change, each up to the next change that was found with it. */
  pValue: number;
}

/** The stretch from index `from` until before `to`, and how far it differs from the rest, in standard deviations. */
interface Stretch {
  from: number;
  to: number;
  z: number;
}

/** The places where the level changed, in order; the same values give the same places. */
export function changePoints(values: readonly number[]): ChangePoint[] {
  return search(values, xoroshiro128plus(1979));
}

function search(values: readonly number[], random: RandomGenerator): ChangePoint[] {
  if (values.length < 2 * leastSegment) return [];
  const ranks = midRanks(values);
  const { from, to, z } = oddStretch(ranks);
  if (pValueOf(ranks, shrunk(z, ranks, [from, to]), oddStretch, random) > level) return [];
  const points = edgesOf(values, from, to, random);
  const bounds = [0, ...points.map(({ at }) => at), values.length];
  const inside =
    points.length === 0 ? [] : bounds.slice(1).flatMap((end, index) => part(values, bounds[index]!, end, random));
  return [...points, ...inside].toSorted((a, b) => a.at - b.at);
}

function part(values: readonly number[], from: number, to: number, random: RandomGenerator): ChangePoint[] {
  return search(values.slice(from, to), random).map(({ at, pValue }) => ({ at: at + from, pValue }));
}

/**
 * The ends of a stretch that differs, each placed anew between its neighbours, where the values on both sides of it differ too.
 * A stretch alone places them badly: a value somewhat above the middle of all is better inside than outside.
 */
function edgesOf(values: readonly number[], from: number, to: number, random: RandomGenerator): ChangePoint[] {
  const first = from === 0 ? [] : changeWithin(values, 0, to, random);
  return [...first, ...changeWithin(values, first[0]?.at ?? 0, values.length, random)];
}

/** The best single cut between two indexes, if it is one. */
function changeWithin(values: readonly number[], start: number, end: number, random: RandomGenerator): ChangePoint[] {
  const ranks = midRanks(values.slice(start, end));
  const { at, z } = bestCut(ranks);
  const pValue = pValueOf(ranks, shrunk(z, ranks, [at]), bestCut, random);
  return pValue > level ? [] : [{ at: start + at, pValue }];
}

/** The cut whose two sides differ most. */
function bestCut(ranks: ArrayLike<number>): { at: number; z: number } {
  let best = { at: leastSegment, z: -1 };
  let sum = 0;
  for (let at = 1; at <= ranks.length - leastSegment; at++) {
    sum += ranks[at - 1]!;
    const z = at < leastSegment ? -1 : standardised(ranks, sum, at);
    if (z > best.z) best = { at, z };
  }
  return best;
}

/** The stretch that differs most from the rest. What is cut off at either end, if anything, is no shorter than a segment. */
export function oddStretch(ranks: ArrayLike<number>): Stretch {
  const n = ranks.length;
  const sums = new Float64Array(n + 1);
  for (let at = 0; at < n; at++) sums[at + 1] = sums[at]! + ranks[at]!;
  let odd: Stretch = { from: 0, to: leastSegment, z: -1 };
  for (let from = 0; from <= n - leastSegment; from = Math.max(from + 1, leastSegment)) {
    for (let to = from + leastSegment; to <= n - leastSegment; to++) {
      const z = standardised(ranks, sums[to]! - sums[from]!, to - from);
      if (z > odd.z) odd = { from, to, z };
    }
  }
  return odd;
}

/** Distance of a sum of `count` ranks from its mean; twelve times the variance without ties is count (n - count) (n + 1). */
function standardised({ length: n }: ArrayLike<number>, sum: number, count: number): number {
  return Math.abs(sum - (count * (n + 1)) / 2) / Math.sqrt((count * (n - count) * (n + 1)) / 12);
}

/** The statistic, were the values independent. */
function shrunk(z: number, ranks: readonly number[], cuts: readonly number[]): number {
  const bounds = [0, ...cuts, ranks.length];
  const rest = bounds.slice(1).flatMap((end, index) => aroundMean(ranks.slice(bounds[index], end)));
  const variance = rest.reduce((sum, value) => sum + value ** 2, 0);
  const neighbours = rest.slice(1).reduce((sum, value, index) => sum + value * rest[index]!, 0);
  const r = variance === 0 ? 0 : Math.max(0, neighbours / variance);
  return z * Math.sqrt((1 - r) / (1 + r));
}

function aroundMean(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

/** Share of shuffles that give a statistic as large, the series itself counted among them. */
function pValueOf(
  ranks: readonly number[],
  z: number,
  statistic: (ranks: ArrayLike<number>) => { z: number },
  random: RandomGenerator,
): number {
  const shuffled = Float64Array.from(ranks);
  // Sums of the same ranks in another order agree but for their last bits.
  const least = z * (1 - 1e-9);
  let asLarge = 1;
  for (let round = 0; round < permutations; round++) {
    shuffle(shuffled, random);
    if (statistic(shuffled).z >= least) asLarge++;
  }
  return asLarge / (permutations + 1);
}

/** Fisher and Yates, in place. */
function shuffle(values: Float64Array, random: RandomGenerator): void {
  for (let last = values.length - 1; last > 0; last--) {
    const other = uniformInt(random, 0, last);
    const value = values[last]!;
    values[last] = values[other]!;
    values[other] = value;
  }
}
