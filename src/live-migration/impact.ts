/** From the raw samples of the load to what a migration made of it. Pure. */
import { Fate } from '../load/samples.ts';
import type { Samples } from '../load/samples.ts';
import type { BlockRecord } from '../load/recorder.ts';
import type { LiveBucket, LiveRepeat } from './record.ts';

const bucketMs = 100;
/** The load is stopped from outside: what was due just before and is unfinished is our doing. */
const cutOffMs = 1000;

/** The load of one repeat, and the instants of the migration in it: ms from the first counted arrival. */
export interface LiveSamples {
  block: BlockRecord;
  samples: Samples;
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
  error: number;
}

function arrivalsOf({ block, samples, endMs }: LiveSamples): Arrival[] {
  const arrivals: Arrival[] = [];
  samples.dueUs.forEach((dueUs, at) => {
    const dueMs = dueUs / 1000 - block.warmupMs;
    if (dueMs < 0 || dueMs >= endMs || samples.fate[at] === Fate.notOffered) return;
    const arrival = {
      dueMs,
      responseMs: samples.endUs[at]! / 1000,
      fate: samples.fate[at]!,
      error: samples.error[at]!,
    };
    if (arrival.fate !== Fate.unfinished || dueMs < endMs - cutOffMs) arrivals.push(arrival);
  });
  return arrivals;
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
  const ends = arrivals
    .filter(({ fate }) => fate === Fate.succeeded)
    .map(({ dueMs, responseMs }) => dueMs + responseMs)
    .sort((a, b) => a - b);
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
    errors: errorsOf(live.block, failed),
    ...(recoveryMs === undefined ? {} : { recoveryMs }),
  };
}

/** The longest time within the window in which nothing was completed; the window's ends count as completions. */
function longestGapMs(ends: readonly number[], fromMs: number, toMs: number): number {
  const inside = ends.filter((end) => end > fromMs && end < toMs);
  const marks = [fromMs, ...inside, toMs];
  return marks.slice(1).reduce((longest, mark, at) => Math.max(longest, mark - marks[at]!), 0);
}

function errorsOf({ errors }: BlockRecord, failed: readonly Arrival[]): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const { fate, error } of failed) {
    const code = error === 0 ? (fate === Fate.timedOut ? '57014' : 'unfinished') : errors[error - 1]!.code;
    counted[code] = (counted[code] ?? 0) + 1;
  }
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
