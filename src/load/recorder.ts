/** From raw samples to the figures of a block: a pure function, so that anybody can recompute them. */
import type { Block, Counts, Latencies, Percentiles, TimelineBucket, TransactionFigures } from '../result.ts';
import type { RatePoint, SloSpec } from '../scenario.ts';
import { LatencyHistogram } from './histogram.ts';
import { outagesOf } from './outages.ts';
import { poolFiguresOf, type PoolFigures } from './pool-figures.ts';
import type { Precedence } from './precedence.ts';
import { Fate, never } from './samples.ts';
import type { Labels, Samples } from './samples.ts';
import { timePartsNearP95 } from './time-parts.ts';

/** What is known about a block beside its samples; the header of the samples file. */
export interface BlockRecord extends Labels {
  id: string;
  stage: string;
  startedAt: string;
  ratePerSecond: number;
  shape?: readonly RatePoint[];
  /** Planned length of the counted part. */
  plannedMs: number;
  warmupMs: number;
  /** End of the schedule or the stop, from the start of the block (warm-up included). */
  stopMs: number;
  outcome: Block['outcome'];
  /** When the stage could not hold the rate: noticed at (from the start of the block), arrivals waiting then. */
  saturation?: { atMs: number; backlog: number };
  /** By number. */
  transactions: { name: string; access: 'read' | 'write' }[];
  cpuCores: number;
  eventLoopDelayP99Us: number;
  workers: number;
  /** What all workers were granted. */
  precedence: Precedence;
  /** Connections of the client's pool, and what the drive loops counted of it. */
  pool?: Pick<PoolFigures, 'max' | 'min' | 'exhausted' | 'opened'>;
}

/** Computes all figures of a block. Counted are the arrivals that were due from the end of the warm-up to the stop. */
export function summarise(record: BlockRecord, samples: Samples, slo: SloSpec, samplesFile: string): Block {
  const counted = countedArrivals(record, samples);
  const limitUs = slo.limitMs * 1000;
  const missed = (arrival: number): boolean => isMiss(samples, arrival, limitUs);
  const ends = endsWithin(record, samples);
  // Of a stage that cannot hold the rate more is told elsewhere.
  const outages = record.outcome === 'saturated' ? [] : outagesOf(samples, counted, record.warmupMs * 1000);
  const pool = poolFiguresOf(record, samples, counted);
  const nearP95 = timePartsNearP95(samples, counted);
  const measuredMs = Math.max(0, record.stopMs - record.warmupMs);
  const heldPerSecond = measuredMs === 0 ? 0 : (ends.succeeded * 1000) / measuredMs;
  return {
    id: record.id,
    stage: record.stage,
    startedAt: record.startedAt,
    ratePerSecond: record.ratePerSecond,
    ...(record.shape === undefined ? {} : { shape: record.shape }),
    plannedMs: record.plannedMs,
    warmupMs: record.warmupMs,
    measuredMs,
    outcome: record.outcome,
    ...(record.saturation === undefined ? {} : { saturation: { ...record.saturation, heldPerSecond } }),
    counts: countsOf(samples, counted),
    missed: counted.filter(missed).length,
    total: latenciesOf(samples, counted),
    ...(nearP95 === undefined ? {} : { nearP95 }),
    transactions: record.transactions.map(({ name, access }, number) => {
      const own = counted.filter((arrival) => samples.transaction[arrival] === number);
      return { name, access, ...figuresOf(record, samples, own, missed), sent: sentTimes(samples, number) };
    }),
    timeline: timelineOf(record, samples, counted, ends.instantsUs, missed),
    longestGapMs: longestGapUs(record, ends.instantsUs) / 1000,
    ...(outages.length === 0 ? {} : { outages }),
    ...(pool === undefined ? {} : { pool }),
    generator: {
      lateness: percentilesOf(counted, (arrival) => samples.latenessUs[arrival]!),
      cpuCores: record.cpuCores,
      eventLoopDelayP99Us: record.eventLoopDelayP99Us,
      workers: record.workers,
      ...record.precedence,
    },
    samplesFile,
  };
}

function countedArrivals({ warmupMs }: BlockRecord, samples: Samples): Uint32Array {
  const { dueUs, fate } = samples;
  const all = Uint32Array.from(dueUs, (_, arrival) => arrival);
  return all.filter((arrival) => dueUs[arrival]! >= warmupMs * 1000 && fate[arrival] !== Fate.notOffered);
}

/** Slower than the limit, failed, timed out or unfinished. */
function isMiss(samples: Samples, arrival: number, limitUs: number): boolean {
  return samples.fate[arrival] !== Fate.succeeded || samples.endUs[arrival]! > limitUs;
}

function countsOf({ fate }: Samples, arrivals: Uint32Array): Counts {
  const byFate = [0, 0, 0, 0, 0];
  for (const arrival of arrivals) byFate[fate[arrival]!]!++;
  return {
    scheduled: arrivals.length,
    succeeded: byFate[Fate.succeeded]!,
    failed: byFate[Fate.failed]!,
    timedOut: byFate[Fate.timedOut]!,
    unfinished: byFate[Fate.unfinished]!,
  };
}

function percentilesOf(arrivals: Uint32Array, latencyUs: (arrival: number) => number): Percentiles {
  using histogram = new LatencyHistogram();
  for (const arrival of arrivals) histogram.record(latencyUs(arrival));
  return histogram.percentiles();
}

/** An arrival that was never sent has waited all its age and has no service time. */
function latenciesOf({ sentUs, firstByteUs, endUs }: Samples, arrivals: Uint32Array): Latencies {
  const sent = arrivals.filter((arrival) => sentUs[arrival] !== never);
  const answered = sent.filter((arrival) => firstByteUs[arrival] !== never);
  const toFirstByteUs = (arrival: number): number => Math.max(0, firstByteUs[arrival]! - sentUs[arrival]!);
  return {
    response: percentilesOf(arrivals, (arrival) => endUs[arrival]!),
    service: percentilesOf(sent, (arrival) => endUs[arrival]! - sentUs[arrival]!),
    wait: percentilesOf(arrivals, (arrival) => Math.min(sentUs[arrival]!, endUs[arrival]!)),
    ...(answered.length === 0 ? {} : { firstByte: percentilesOf(answered, toFirstByteUs) }),
  };
}

function figuresOf(
  record: BlockRecord,
  samples: Samples,
  own: Uint32Array,
  missed: (arrival: number) => boolean,
): Omit<TransactionFigures, 'name' | 'access'> {
  const errors: TransactionFigures['errors'] = {};
  record.errors.forEach(({ code, example }, number) => {
    const count = own.filter((arrival) => samples.error[arrival] === number + 1).length;
    if (count > 0) errors[code] = { count, example };
  });
  const classes: TransactionFigures['classes'] = {};
  record.classes.forEach((name, number) => {
    const members = own.filter((arrival) => samples.class[arrival] === number + 1);
    if (members.length === 0) return;
    const { response, service } = latenciesOf(samples, members);
    classes[name] = { count: members.length, missed: members.filter(missed).length, response, service };
  });
  return {
    ...latenciesOf(samples, own),
    counts: countsOf(samples, own),
    missed: own.filter(missed).length,
    retries: own.reduce((sum, arrival) => sum + samples.retries[arrival]!, 0),
    errors,
    classes,
  };
}

/** Arrivals of a transaction that were sent, whenever they were due, and how often they were repeated. */
function sentTimes({ transaction, sentUs, fate, retries }: Samples, number: number): number {
  let times = 0;
  for (let arrival = 0; arrival < transaction.length; arrival++) {
    if (transaction[arrival] !== number || fate[arrival] === Fate.notOffered || sentUs[arrival] === never) continue;
    times += 1 + retries[arrival]!;
  }
  return times;
}

/** Instants (from the start of the block, ascending) of all ends between warm-up and stop, whenever those were due. */
function endsWithin({ warmupMs, stopMs }: BlockRecord, { dueUs, endUs, fate }: Samples) {
  const instants: number[] = [];
  let succeeded = 0;
  for (let arrival = 0; arrival < dueUs.length; arrival++) {
    if (fate[arrival] === Fate.notOffered || fate[arrival] === Fate.unfinished) continue;
    const instant = dueUs[arrival]! + endUs[arrival]!;
    if (instant < warmupMs * 1000 || instant >= stopMs * 1000) continue;
    instants.push(instant);
    if (fate[arrival] === Fate.succeeded) succeeded++;
  }
  return { instantsUs: Float64Array.from(instants).sort(), succeeded };
}

function longestGapUs({ warmupMs, stopMs }: BlockRecord, instantsUs: Float64Array): number {
  let longest = 0;
  let previous = warmupMs * 1000;
  for (const instant of instantsUs) {
    longest = Math.max(longest, instant - previous);
    previous = instant;
  }
  return Math.max(longest, stopMs * 1000 - previous);
}

const bucketUs = 1_000_000;

/** Seconds from the end of the warm-up. */
function timelineOf(
  { warmupMs, stopMs }: BlockRecord,
  samples: Samples,
  counted: Uint32Array,
  endsUs: Float64Array,
  missed: (arrival: number) => boolean,
): TimelineBucket[] {
  const seconds = Math.max(counted.length > 0 ? 1 : 0, Math.ceil((stopMs - warmupMs) / 1000));
  // An arrival that was due at the very instant of a stop belongs to the last second.
  const bucketOf = (instantUs: number): number =>
    Math.min(Math.floor((instantUs - warmupMs * 1000) / bucketUs), seconds - 1);
  const members: number[][] = Array.from({ length: seconds }, () => []);
  for (const arrival of counted) members[bucketOf(samples.dueUs[arrival]!)]!.push(arrival);
  const completed = new Uint32Array(seconds);
  for (const instant of endsUs) completed[bucketOf(instant)]!++;
  return members.map((arrivals, second) => {
    const latencies = Uint32Array.from(arrivals, (arrival) => samples.endUs[arrival]!).sort();
    return {
      offsetMs: second * 1000,
      scheduled: arrivals.length,
      completed: completed[second]!,
      missed: arrivals.filter(missed).length,
      failed: arrivals.filter((arrival) => isFailure(samples.fate[arrival]!)).length,
      p50Us: quantile(latencies, 0.5),
      p95Us: quantile(latencies, 0.95),
      maxUs: latencies.at(-1) ?? 0,
    };
  });
}

function isFailure(fate: number): boolean {
  return fate === Fate.failed || fate === Fate.timedOut || fate === Fate.unfinished;
}

/** The smallest sample that a share of the samples does not exceed (nearest rank); 0 of none. */
function quantile(sorted: Uint32Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
