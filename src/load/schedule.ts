/** When each transaction of a block is due, and which one it is: pure arithmetic, so it cannot drift. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { UsageError } from '../errors.ts';
import type { RatePoint } from '../scenario.ts';
import { seededGenerator } from './random.ts';
import type { Generator } from './random.ts';
import { inverseOfShape } from './shape.ts';

export interface ScheduleOptions {
  seed: number;
  /** Blocks with the same number get the same arrivals, whatever their stage. */
  blockNumber: number;
  ratePerSecond: number;
  arrivals: 'poisson' | 'constant';
  /** Length of the block, warm-up included. */
  durationMs: number;
  /** How the rate changes after the warm-up. Default: not at all. */
  shape?: { points: readonly RatePoint[]; warmupMs: number };
  /** Chosen in proportion to their weights. */
  transactions: readonly { name: string; weight: number }[];
}

/** The arrivals of one block. */
export interface Schedule {
  /** Microseconds from the start of the block, ascending. */
  dueUs: Float64Array;
  /** Number of the transaction (in the order given) of each arrival. */
  transaction: Uint16Array;
}

/** More arrivals than this do not fit the numbering of arrivals over a run (see `arrivalStride`). */
export const maximumArrivals = 10_000_000;

/**
 * Poisson arrivals vary, so the last per cent is left to them.
 *
 * @throws UsageError when a block of this rate and length (warm-up included) would have too many arrivals
 */
export function assertArrivals({ ratePerSecond, durationMs }: { ratePerSecond: number; durationMs: number }): void {
  if ((ratePerSecond * durationMs) / 1000 <= maximumArrivals * 0.99) return;
  throw new UsageError(
    `A block of ${durationMs} ms at ${ratePerSecond}/s has too many arrivals; a block holds ${maximumArrivals}.`,
    { hint: 'Lower --rate or --duration.' },
  );
}

/**
 * Builds the arrivals of a block. It depends on nothing but its options, so every stage gets the same ones.
 *
 * Poisson arrivals have independent exponential gaps (inverse transform: -ln(1 - u) / rate); constant arrivals are 1 / rate
 * apart. The order of transactions comes from a stream of its own and is the same for both. A shape moves arrivals in time and leaves
 * their number and everything else as it is.
 *
 * @throws UsageError when the block would have more than `maximumArrivals` arrivals, or no transaction has a weight
 */
export function buildSchedule(options: ScheduleOptions): Schedule {
  assertArrivals(options);
  const gaps = seededGenerator(options.seed, options.blockNumber, 1);
  const dueUs = Float64Array.from(
    options.arrivals === 'constant' ? constantArrivals(options) : poissonArrivals(options, gaps),
  );
  const choices = seededGenerator(options.seed, options.blockNumber, 2);
  if (options.shape !== undefined) bend(dueUs, options.shape, options.durationMs);
  return { dueUs, transaction: chooseTransactions(options.transactions, dueUs.length, choices) };
}

function bend(dueUs: Float64Array, { points, warmupMs }: NonNullable<ScheduleOptions['shape']>, durationMs: number) {
  const instantOf = inverseOfShape(points);
  const [fromUs, lengthUs] = [warmupMs * 1000, (durationMs - warmupMs) * 1000];
  for (const [arrival, due] of dueUs.entries()) {
    if (due >= fromUs) dueUs[arrival] = fromUs + instantOf((due - fromUs) / lengthUs) * lengthUs;
  }
}

function* constantArrivals({ ratePerSecond, durationMs }: ScheduleOptions): Iterable<number> {
  for (let arrival = 0; ; arrival++) {
    const dueUs = (arrival * 1e6) / ratePerSecond;
    if (dueUs >= durationMs * 1000) return;
    yield dueUs;
  }
}

function* poissonArrivals({ ratePerSecond, durationMs }: ScheduleOptions, random: Generator): Iterable<number> {
  let dueUs = 0;
  for (;;) {
    dueUs += (-Math.log1p(-uniformFloat64(random)) * 1e6) / ratePerSecond;
    if (dueUs >= durationMs * 1000) return;
    yield dueUs;
  }
}

function chooseTransactions(
  transactions: ScheduleOptions['transactions'],
  count: number,
  random: Generator,
): Uint16Array {
  let total = 0;
  const upTo = transactions.map(({ weight }) => (total += weight));
  if (!(total > 0)) {
    throw new UsageError('No transaction of the workload has a weight above zero.', {
      hint: 'Give each transaction its share of the arrivals in `weight`.',
    });
  }
  return Uint16Array.from({ length: count }, () => {
    const point = uniformFloat64(random) * total;
    return upTo.findIndex((limit) => point < limit);
  });
}

/** The arrivals that worker `worker` of `workers` carries out: worker, worker + workers, ... The shares differ by at most one. */
export function stripe(count: number, worker: number, workers: number): Uint32Array {
  const length = Math.max(0, Math.ceil((count - worker) / workers));
  return Uint32Array.from({ length }, (_, turn) => worker + turn * workers);
}

/** @throws UsageError when a worker would have no connection */
export function assertWorkers(workers: number, connections: number): void {
  if (Number.isSafeInteger(workers) && workers >= 1 && workers <= connections) return;
  throw new UsageError(`${connections} connections cannot be divided among ${workers} workers.`, {
    hint: 'Give at least one worker, and at least one connection for each.',
  });
}
