/** A migration rehearsed under load, for tests of what is made of it. */
import { bucketsOf, impactOf, type LiveSamples } from '../../src/live-migration/impact.ts';
import type { LiveMigration, LiveRepeat, LiveStatement } from '../../src/live-migration/record.ts';
import { createSamples, Fate, type Samples } from '../../src/load/samples.ts';
import type { BlockRecord } from '../../src/load/recorder.ts';

/**
 * An arrival every 10 ms for ten seconds after a second of warm-up, answered after 2 ms; those due from 4 s to 5 s wait until 5 s, like
 * behind a lock. The migration runs from 3.9 s to 5 s.
 */
export function stalled(change: (samples: Samples) => void = () => {}): LiveSamples {
  const count = 1100;
  const samples = createSamples({
    dueUs: Float64Array.from({ length: count }, (_, at) => at * 10_000),
    transaction: new Uint16Array(count),
  });
  for (let at = 0; at < count; at++) {
    const dueMs = at * 10 - 1000;
    samples.fate[at] = Fate.succeeded;
    samples.endUs[at] = dueMs >= 4000 && dueMs < 5000 ? (5000 - dueMs) * 1000 : 2000;
  }
  change(samples);
  const block = {
    warmupMs: 1000,
    errors: [{ code: '55P03', example: 'x' }],
    // By number: a schedule that says nothing else is of the first.
    transactions: [
      { name: 'look', access: 'read' },
      { name: 'order', access: 'write' },
    ],
  } as unknown as BlockRecord;
  const loads = [{ block, samples, fromMs: 0, endMs: 10_000 }];
  return { loads, quietFromMs: 0, migrationStartMs: 3900, migrationEndMs: 5000, endMs: 10_000, limitMs: 50 };
}

export function statement(text: string, change: Partial<LiveStatement> = {}): LiveStatement {
  const base = { migration: '002_x', file: 'migrations/002_x.up.sql', line: 1, startMs: 0, endMs: 900 };
  return { ...base, text, waitedMs: 0, blockers: [], ...change };
}

/** One repeat, within its budgets where it is not changed. */
export function liveMigration(statements: LiveStatement[], change: Partial<LiveRepeat> = {}): LiveMigration {
  const repeat: LiveRepeat = {
    startedAt: '2026-11-21T06:00:00.000Z',
    migrationStartMs: 3900,
    migrationEndMs: 5000,
    endMs: 10_000,
    outcome: 'applied',
    retries: 0,
    statements,
    locks: [{ relation: 'orders', mode: 'AccessExclusiveLock', heldMs: 40 }],
    impact: impactOf(stalled()),
    queue: { most: 3, blockedMs: 120 },
    walBytes: 1000,
    invalidIndexes: [],
    unvalidatedConstraints: [],
    buckets: bucketsOf(stalled()),
    generatorLatenessP99Us: 300,
    samplesFile: 'samples/repeat-1.bin',
    ...change,
  };
  const budgets = { maxStallMs: 1500, maxBlockedMs: 5000, maxFailed: 0, maxLockHoldMs: 200, maxInvalidObjects: 0 };
  return { from: 'before', to: 'after', budgets, findings: [], quietMs: { '002_x': 4 }, repeats: [repeat] };
}
