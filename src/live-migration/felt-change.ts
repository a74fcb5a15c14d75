/** What all repeats of a rehearsal come to. Pure. */
import type { FeltChange, LiveRepeat } from './record.ts';

/** @param repeats at least one */
export function feltChange(repeats: readonly LiveRepeat[]): FeltChange {
  const worst = (of: (repeat: LiveRepeat) => number): number => Math.max(...repeats.map(of));
  const stalls = repeats.flatMap(({ impact }) => impact.stalls ?? []);
  const stallOf = (access: 'read' | 'write'): number | undefined => {
    const own = stalls.filter((stall) => stall.access === access).map(({ longestMs }) => longestMs);
    return own.length === 0 ? undefined : Math.max(...own);
  };
  const [readStallMs, writeStallMs] = [stallOf('read'), stallOf('write')];
  return {
    repeats: repeats.length,
    applied: repeats.every(({ outcome }) => outcome === 'applied'),
    migrationMs: worst(({ migrationStartMs, migrationEndMs }) => migrationEndMs - migrationStartMs),
    longestStallMs: worst(({ impact }) => impact.longestStallMs),
    usualStallMs: worst(({ impact }) => impact.usualStallMs),
    ...(readStallMs === undefined ? {} : { readStallMs }),
    ...(writeStallMs === undefined ? {} : { writeStallMs }),
    failed: worst(({ impact }) => impact.failed),
    errors: [...new Set(repeats.flatMap(({ impact }) => Object.keys(impact.errors)))].toSorted(),
    blockedMs: worst(({ queue }) => queue.blockedMs),
    pastLimit: worst(({ impact }) => impact.pastLimit),
    retries: worst(({ retries }) => retries),
  };
}
