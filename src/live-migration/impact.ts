/** From the raw samples of the load to what a migration made of it. Pure. */
import { Fate } from '../load/samples.ts';
import type { Samples } from '../load/samples.ts';
import type { BlockRecord } from '../load/recorder.ts';
import type { LiveBucket, LiveRepeat } from './record.ts';

const bucketMs = 100;
/** The load is stopped from outside: what was due just before and is unfinished is our doing. */
const cutOffMs = 1000;

/** What the statements of one stage drove. */
export interface LoadSamples {
  block: BlockRecord;
  samples: Samples;
  /** Its first counted arrival and its end, in the time of the repeat. */
  fromMs: number;
  endMs: number;
}

/** The load of one repeat, and the instants of the migration in it: ms from the first counted arrival. */
export interface LiveSamples {
  /** A second one from where another stage took over. */
  loads: readonly LoadSamples[];
  /** From here to the migration is what is usual. */
  quietFromMs: number;
  migrationStartMs: number;
  migrationEndMs: number;
  /** End of the load, or where something else begins in it. */
  endMs: number;
  limitMs: number;
}

/** One arrival of the counted time. */
interface Arrival {
  dueMs: number;
  responseMs: number;
  fate: number;
  access: 'read' | 'write';
  /** Why it did not succeed. */
  error: string;
}

function arrivalsOf({ loads, endMs }: LiveSamples): Arrival[] {
  return loads.flatMap((load) => arrivalsOfLoad(load, endMs));
}

function arrivalsOfLoad({ block, samples, fromMs, endMs: stoppedMs }: LoadSamples, endMs: number): Arrival[] {
  const arrivals: Arrival[] = [];
  const cutFromMs = Math.min(stoppedMs, endMs) - cutOffMs;
  samples.dueUs.forEach((dueUs, at) => {
    const sinceMs = dueUs / 1000 - block.warmupMs;
    const dueMs = fromMs + sinceMs;
    if (sinceMs < 0 || dueMs >= endMs || samples.fate[at] === Fate.notOffered) return;
    const fate = samples.fate[at]!;
    const arrival = {
      dueMs,
      responseMs: samples.endUs[at]! / 1000,
      fate,
      access: block.transactions[samples.transaction[at]!]!.access,
      error: errorOf(block, fate, samples.error[at]!),
    };
    if (fate !== Fate.unfinished || dueMs < cutFromMs) arrivals.push(arrival);
  });
  return arrivals;
}

function errorOf({ errors }: BlockRecord, fate: number, label: number): string {
  if (label !== 0) return errors[label - 1]!.code;
  return fate === Fate.timedOut ? '57014' : 'unfinished';
}

/** The load in tenths of a second. */
export function bucketsOf(live: LiveSamples): LiveBucket[] {
  const count = Math.ceil(live.endMs / bucketMs);
  const buckets = Array.from({ length: count }, () => ({ scheduled: 0, worstMs: 0, completed: 0, failed: 0 }));
  for (const { dueMs, responseMs, fate } of arrivalsOf(live)) {
    const due = buckets[Math.floor(dueMs / bucketMs)];
    if (due !== undefined) {
      due.scheduled++;
      due.worstMs = Math.max(due.worstMs, responseMs);
    }
    const ended = buckets[Math.floor((dueMs + responseMs) / bucketMs)];
    if (ended === undefined) continue;
    if (fate === Fate.succeeded) ended.completed++;
    else ended.failed++;
  }
  return buckets;
}

/** What the traffic felt from the start of the migration to the end of the load. */
export function impactOf(live: LiveSamples): LiveRepeat['impact'] {
  const arrivals = arrivalsOf(live);
  const ends = completionsAmong(arrivals);
  const felt = arrivals.filter(({ dueMs, responseMs }) => dueMs + responseMs >= live.migrationStartMs);
  const past = felt.filter(({ fate, responseMs }) => fate !== Fate.succeeded || responseMs > live.limitMs);
  const failed = felt.filter(({ fate }) => fate !== Fate.succeeded);
  const recoveryMs = recoveryOf(live, arrivals);
  return {
    longestStallMs: longestGapMs(ends, live.migrationStartMs, live.endMs),
    usualStallMs: longestGapMs(ends, live.quietFromMs, live.migrationStartMs),
    pastLimit: past.length,
    lostMs: past.reduce((sum, { responseMs }) => sum + Math.max(0, responseMs - live.limitMs), 0),
    worstMs: felt.reduce((worst, { responseMs }) => Math.max(worst, responseMs), 0),
    failed: failed.length,
    errors: errorsOf(failed),
    stalls: stallsByAccess(live, arrivals),
    ...(recoveryMs === undefined ? {} : { recoveryMs }),
  };
}

/** Of reads and of writes by themselves: many a lock stops only one of the two. */
function stallsByAccess(live: LiveSamples, arrivals: readonly Arrival[]): NonNullable<LiveRepeat['impact']['stalls']> {
  return (['read', 'write'] as const).flatMap((access) => {
    const own = arrivals.filter((arrival) => arrival.access === access);
    if (own.length === 0) return [];
    const ends = completionsAmong(own);
    return [
      {
        access,
        longestMs: longestGapMs(ends, live.migrationStartMs, live.endMs),
        usualMs: longestGapMs(ends, live.quietFromMs, live.migrationStartMs),
      },
    ];
  });
}

/** Instants at which a transaction was completed, ascending. */
export function completionsOf(live: LiveSamples): number[] {
  return completionsAmong(arrivalsOf(live));
}

function completionsAmong(arrivals: readonly Arrival[]): number[] {
  return arrivals
    .filter(({ fate }) => fate === Fate.succeeded)
    .map(({ dueMs, responseMs }) => dueMs + responseMs)
    .sort((a, b) => a - b);
}

/** The longest time within the window in which nothing was completed; the window's ends count as completions. */
export function longestGapMs(ends: readonly number[], fromMs: number, toMs: number): number {
  const inside = ends.filter((end) => end > fromMs && end < toMs);
  const marks = [fromMs, ...inside, toMs];
  return marks.slice(1).reduce((longest, mark, at) => Math.max(longest, mark - marks[at]!), 0);
}

function errorsOf(failed: readonly Arrival[]): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const { error } of failed) counted[error] = (counted[error] ?? 0) + 1;
  return counted;
}

/** From the end of the migration to the first second of arrivals with p95 below the limit. */
function recoveryOf({ migrationEndMs, endMs, limitMs }: LiveSamples, arrivals: readonly Arrival[]): number | undefined {
  const bins = Array.from({ length: Math.floor((endMs - migrationEndMs) / bucketMs) }, () => ({ all: 0, late: 0 }));
  for (const { dueMs, fate, responseMs } of arrivals) {
    const bin = bins[Math.floor((dueMs - migrationEndMs) / bucketMs)];
    if (bin === undefined) continue;
    bin.all++;
    if (fate !== Fate.succeeded || responseMs > limitMs) bin.late++;
  }
  const inSecond = 1000 / bucketMs;
  for (let from = 0; from + inSecond <= bins.length; from++) {
    const second = bins.slice(from, from + inSecond);
    const [all, late] = [sum(second, (bin) => bin.all), sum(second, (bin) => bin.late)];
    if (all > 0 && late < all * 0.05) return from * bucketMs;
  }
  return undefined;
}

function sum<T>(items: readonly T[], pick: (item: T) => number): number {
  return items.reduce((total, item) => total + pick(item), 0);
}
