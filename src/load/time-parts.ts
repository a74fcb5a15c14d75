/** What response times near the 95th percentile are made of: parts of single arrivals add up, percentiles of parts do not. Pure. */
import { Fate, never } from './samples.ts';
import type { Samples } from './samples.ts';

/** Means over the arrivals around p95, in microseconds. Together they are the response time of these. */
export interface TimeParts {
  arrivals: number;
  /** From the due instant until the generator dealt with the arrival. */
  lateUs: number;
  /** From then until it had a connection. */
  poolUs: number;
  /** From the send to the first byte of the answer. */
  serverUs: number;
  /** From there to the end. */
  restUs: number;
}

/** The band of response times, as shares of all arrivals in their order. */
const [bandFrom, bandTo] = [0.94, 0.96];

/**
 * @param counted the arrivals that the figures of the block are of
 * @returns undefined where none near p95 succeeded, or nobody noted when the answers began
 */
export function timePartsNearP95(samples: Samples, counted: Uint32Array): TimeParts | undefined {
  const { latenessUs, sentUs, firstByteUs, endUs, fate } = samples;
  const slower = counted.toSorted((a, b) => endUs[a]! - endUs[b]!);
  const near = slower
    .subarray(Math.floor(bandFrom * slower.length), Math.ceil(bandTo * slower.length))
    .filter((arrival) => fate[arrival] === Fate.succeeded && firstByteUs[arrival] !== never);
  if (near.length === 0) return undefined;
  const mean = (of: (arrival: number) => number): number =>
    near.reduce((sum, arrival) => sum + of(arrival), 0) / near.length;
  return {
    arrivals: near.length,
    lateUs: mean((arrival) => Math.min(latenessUs[arrival]!, sentUs[arrival]!)),
    poolUs: mean((arrival) => Math.max(0, sentUs[arrival]! - latenessUs[arrival]!)),
    serverUs: mean((arrival) => firstByteUs[arrival]! - sentUs[arrival]!),
    restUs: mean((arrival) => endUs[arrival]! - firstByteUs[arrival]!),
  };
}
