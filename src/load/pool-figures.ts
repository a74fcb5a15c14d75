/** How the client's pool served a block: from the samples, and from what the drive loops counted. Pure. */
import type { Percentiles } from '../result.ts';
import { LatencyHistogram } from './histogram.ts';
import type { BlockRecord } from './recorder.ts';
import { Fate, never, poolTimeout } from './samples.ts';
import type { Samples } from './samples.ts';

export interface PoolFigures {
  /** Most connections, and those that were open from the beginning. */
  max: number;
  min: number;
  /** From the moment that the generator wanted a connection for an arrival to the moment that it had one, or gave up. */
  wait: Percentiles;
  /** Share of the measured time in which connections carried out a transaction, of all that there may be; from 0 to 1. */
  utilisation: number;
  /** Most connections that carried out a transaction at the same time. */
  busiest: number;
  /** Arrivals that found all connections in use. */
  exhausted: number;
  /** Arrivals that waited for a connection for as long as the pool allows, and failed. */
  timedOut: number;
  /** Connections that were opened after the warm-up: for more of them, or in place of lost ones. */
  opened: number;
}

/**
 * @param counted the arrivals that the figures of the block are of
 * @returns undefined for blocks of older versions, which did not count
 */
export function poolFiguresOf(record: BlockRecord, samples: Samples, counted: Uint32Array): PoolFigures | undefined {
  const { pool, errors } = record;
  if (pool === undefined) return undefined;
  const busy = busyStretches(record, samples);
  const measuredUs = Math.max(0, record.stopMs - record.warmupMs) * 1000;
  const label = errors.findIndex(({ code }) => code === poolTimeout) + 1;
  return {
    ...pool,
    wait: waitOf(samples, counted),
    utilisation: measuredUs === 0 ? 0 : Math.min(1, busy.totalUs / (pool.max * measuredUs)),
    // Stretches in whole microseconds may overlap by one where a connection went from hand to hand.
    busiest: Math.min(pool.max, mostAtOnce(busy.fromUs, busy.toUs)),
    timedOut: label === 0 ? 0 : counted.filter((arrival) => samples.error[arrival] === label).length,
  };
}

/** From when the generator asked for a connection to the send, or to the end of an arrival that got none. */
function waitOf({ latenessUs, sentUs, endUs }: Samples, counted: Uint32Array): PoolFigures['wait'] {
  using histogram = new LatencyHistogram();
  for (const arrival of counted) {
    histogram.record(Math.max(0, Math.min(sentUs[arrival]!, endUs[arrival]!) - latenessUs[arrival]!));
  }
  return histogram.percentiles();
}

/** When a connection carried out a transaction, whenever that was due: cut to the measured time, beginnings and ends each sorted. */
function busyStretches({ warmupMs, stopMs }: BlockRecord, { dueUs, sentUs, endUs, fate }: Samples) {
  const [fromUs, toUs]: [number[], number[]] = [[], []];
  let totalUs = 0;
  for (let arrival = 0; arrival < dueUs.length; arrival++) {
    if (fate[arrival] === Fate.notOffered || sentUs[arrival] === never) continue;
    const from = Math.max(warmupMs * 1000, dueUs[arrival]! + sentUs[arrival]!);
    const to = Math.min(stopMs * 1000, dueUs[arrival]! + endUs[arrival]!);
    if (to <= from) continue;
    fromUs.push(from);
    toUs.push(to);
    totalUs += to - from;
  }
  return { fromUs: Float64Array.from(fromUs).sort(), toUs: Float64Array.from(toUs).sort(), totalUs };
}

function mostAtOnce(fromUs: Float64Array, toUs: Float64Array): number {
  let [most, ended] = [0, 0];
  for (const [begun, from] of fromUs.entries()) {
    while (ended < toUs.length && toUs[ended]! <= from) ended++;
    most = Math.max(most, begun + 1 - ended);
  }
  return most;
}
