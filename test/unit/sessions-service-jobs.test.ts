/** When the jobs of the sessions service run, on a fake clock and a database that only notes what it is asked. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Cache } from '../../scenarios/sessions/service/cache.ts';
import type { Statement } from '../../scenarios/sessions/service/database.ts';
import { startJobs } from '../../scenarios/sessions/service/jobs.ts';
import type { Parts } from '../../scenarios/sessions/service/parts.ts';
import type { Watch } from '../../scenarios/sessions/service/watch.ts';

const hourMs = 3_600_000;

beforeEach(() => vi.useFakeTimers({ now: new Date('2026-11-01T00:00:30Z') }));
afterEach(() => vi.useRealTimers());

/** Expired nonces that are left, and how often each statement ran. */
function fixture(expired = 0) {
  const runs = new Map<string, number>();
  const warnings: string[] = [];
  const world = { expired, fails: false, runs, warnings, looks: 0 };
  const query = async ({ name }: Statement) => {
    runs.set(name, (runs.get(name) ?? 0) + 1);
    if (world.fails) throw new Error('the database is away');
    if (name !== 'delete_expired_nonces') return [];
    const deleted = Math.min(world.expired, 5_000);
    world.expired -= deleted;
    return [{ deleted }];
  };
  const parts = {
    database: { query },
    cache: new Cache(undefined),
    schema: { hasColumns: true, hasPartitions: true, hasOrderedCalls: true },
    clock: () => new Date(),
    log: { info: () => undefined, warn: (text: string) => warnings.push(text) },
  };
  const stop = startJobs(parts as unknown as Parts, { look: () => void world.looks++ } as unknown as Watch);
  return { world, stop };
}

it('come as often as the source document says, until they are stopped', async () => {
  const { world, stop } = fixture();
  await vi.advanceTimersByTimeAsync(hourMs);
  const anHour = {
    delete_expired_nonces: 12,
    end_stale_sessions: 12,
    unused_indexes: 4,
    dead_rows: 4,
    end_blocks: 1,
    months_ahead: 1,
  };
  expect(Object.fromEntries(world.runs)).toEqual(anHour);
  expect(world.looks).toBe(60);
  stop();
  await vi.advanceTimersByTimeAsync(hourMs);
  expect(Object.fromEntries(world.runs)).toEqual(anHour);
  expect(world.looks).toBe(60);
});

it('delete expired nonces batch by batch until none is left', async () => {
  const { world, stop } = fixture(12_000);
  await vi.advanceTimersByTimeAsync(5 * 60_000);
  stop();
  expect(world.expired).toBe(0);
  expect(world.runs.get('delete_expired_nonces')).toBe(3);
});

it('tell when one fails, and try again the next time', async () => {
  const { world, stop } = fixture();
  world.fails = true;
  await vi.advanceTimersByTimeAsync(5 * 60_000);
  expect(world.warnings).toEqual(['The job "clean-up" failed: the database is away']);
  world.fails = false;
  await vi.advanceTimersByTimeAsync(5 * 60_000);
  stop();
  expect(world.runs.get('end_stale_sessions')).toBe(1);
});
