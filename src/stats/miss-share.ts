/**
 * The share of arrivals that miss a limit. Pure: no clock, and every random number comes from a fixed seed, so the same result
 * always gives the same verdict.
 */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { z95 } from './normal.ts';

/** Arrivals of one second and how many of them missed the limit. */
export interface MissBin {
  scheduled: number;
  missed: number;
}

/** A share in [0, 1] with its 90 % interval: each end errs with a probability of 5 %. */
export interface ShareEstimate {
  value: number;
  low: number;
  high: number;
  /** Bins that the estimate rests on. */
  bins: number;
  /** Length of the bootstrap's blocks, in bins. */
  blockLength: number;
}

/** Blocks of thirty seconds, as long as there are enough of them. */
const maxBlockLength = 30;
/** Fewer blocks than this say too little about the variance between blocks. */
const minBlocks = 6;
const replicates = 1000;
const bootstrapSeed = 20_200_229;

/**
 * Share of arrivals that missed, with an interval that respects what happens in neighbouring seconds.
 *
 * Arrivals are not independent: a stall spoils hundreds in a row. The standard error therefore comes from a moving-block
 * bootstrap (Künsch 1989; Liu and Singh 1992) over one-second bins. Blocks are thirty bins long, or a sixth of the run where
 * it is shorter than three minutes. The interval is built on the logit scale, where it is skewed as shares are, with
 * Student's t for the number of blocks; it is never narrower than independent arrivals would make it.
 *
 * @throws RangeError when no arrival was scheduled.
 */
export function estimateMissShare(bins: readonly MissBin[]): ShareEstimate {
  const scheduled = sum(bins, (bin) => bin.scheduled);
  const missed = sum(bins, (bin) => bin.missed);
  if (scheduled === 0) throw new RangeError('A miss share needs at least one arrival.');
  const blockLength = Math.max(1, Math.min(maxBlockLength, Math.floor(bins.length / minBlocks)));
  const shape = { bins: bins.length, blockLength };
  // No miss, or nothing else: the exact binomial bound (the "rule of three").
  if (missed === 0) return { value: 0, low: 0, high: 1 - 0.05 ** (1 / scheduled), ...shape };
  if (missed >= scheduled) return { value: 1, low: 0.05 ** (1 / scheduled), high: 1, ...shape };

  const value = missed / scheduled;
  const variance = value * (1 - value);
  const error = Math.max(blockBootstrapError(bins, blockLength), Math.sqrt(variance / scheduled));
  const logit = Math.log(value / (1 - value));
  const reach = (studentT95(Math.max(1, bins.length / blockLength - 1)) * error) / variance;
  return { value, low: logistic(logit - reach), high: logistic(logit + reach), ...shape };
}

/** Standard error of missed / scheduled over resamples made of whole blocks. */
function blockBootstrapError(bins: readonly MissBin[], blockLength: number): number {
  const scheduledBefore = runningSum(bins, (bin) => bin.scheduled);
  const missedBefore = runningSum(bins, (bin) => bin.missed);
  const random = xoroshiro128plus(bootstrapSeed);
  const shares: number[] = [];
  for (let replicate = 0; replicate < replicates; replicate++) {
    let scheduled = 0;
    let missed = 0;
    for (let filled = 0; filled < bins.length; filled += blockLength) {
      const length = Math.min(blockLength, bins.length - filled);
      const start = uniformInt(random, 0, bins.length - length);
      scheduled += scheduledBefore[start + length]! - scheduledBefore[start]!;
      missed += missedBefore[start + length]! - missedBefore[start]!;
    }
    if (scheduled > 0) shares.push(missed / scheduled);
  }
  // Overlapping blocks of one short series resemble each other, which hides a part of the variance: n / (n - l + 1).
  const hidden = bins.length / (bins.length - blockLength + 1);
  return Math.sqrt(varianceOf(shares) * hidden);
}

/**
 * 95th percentile of Student's t distribution, for a share of 5 % in one tail: the expansion of Abramowitz and Stegun 26.7.5,
 * within 0.001 of the exact value from five degrees of freedom on.
 */
export function studentT95(degreesOfFreedom: number): number {
  const z = z95;
  const n = degreesOfFreedom;
  return (
    z +
    (z ** 3 + z) / (4 * n) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * n ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * n ** 3) +
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / (92_160 * n ** 4)
  );
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function sum<T>(items: readonly T[], pick: (item: T) => number): number {
  return items.reduce((total, item) => total + pick(item), 0);
}

/** Sums of the first 0, 1, 2, ... items. */
function runningSum<T>(items: readonly T[], pick: (item: T) => number): Float64Array {
  const sums = new Float64Array(items.length + 1);
  items.forEach((item, index) => (sums[index + 1] = sums[index]! + pick(item)));
  return sums;
}

function varianceOf(values: readonly number[]): number {
  const mean = sum(values, (value) => value) / values.length;
  return sum(values, (value) => (value - mean) ** 2) / values.length;
}
