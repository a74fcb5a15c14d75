import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { LagTracker, replicaLagOf } from '../../src/observe/replica-lag.ts';

it('counts from when the primary was first further than the replica is', () => {
  const tracker = new LagTracker();
  expect(tracker.look({ atMs: 0, lsn: 100 }, { atMs: 1, lsn: 100 })).toEqual({ atMs: 1, lagMs: 0, lagBytes: 0 });
  expect(tracker.look({ atMs: 100, lsn: 200 }, { atMs: 101, lsn: 150 })).toMatchObject({ lagMs: 1, lagBytes: 50 });
  expect(tracker.look({ atMs: 200, lsn: 300 }, { atMs: 201, lsn: 150 })).toMatchObject({ lagMs: 101, lagBytes: 150 });
  // It has replayed what the primary had at 100, not what it had at 200.
  expect(tracker.look({ atMs: 300, lsn: 300 }, { atMs: 301, lsn: 250 })).toMatchObject({ lagMs: 101, lagBytes: 50 });
});

it('grows while the replica is stuck, and is nothing while nobody writes', () => {
  const stuck = new LagTracker();
  const still = new LagTracker();
  for (let atMs = 0; atMs <= 1000; atMs += 100) {
    const lsn = 100 + atMs;
    expect(stuck.look({ atMs, lsn }, { atMs, lsn: 99 }).lagMs).toBe(atMs);
    expect(still.look({ atMs, lsn: 100 }, { atMs, lsn: 100 }).lagMs).toBe(0);
  }
});

it('never tells more than the true lag of a replica that follows at a distance', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 50 }), (lagMs, bytesPerMs) => {
      const tracker = new LagTracker();
      for (let atMs = 1000; atMs <= 5000; atMs += 100) {
        const look = tracker.look({ atMs, lsn: atMs * bytesPerMs }, { atMs, lsn: (atMs - lagMs) * bytesPerMs });
        expect(look.lagMs).toBeLessThanOrEqual(lagMs);
        // Before there are looks enough behind it, less is known.
        if (atMs >= 2000) expect(look.lagMs).toBeGreaterThanOrEqual(lagMs - 100);
      }
    }),
  );
});

it('summarises looks', () => {
  const looks = Array.from({ length: 100 }, (_, at) => ({ atMs: at, lagMs: 100 - at, lagBytes: at * 10 }));
  expect(replicaLagOf(looks)).toEqual({ looks: 100, p50Ms: 50, p95Ms: 95, p99Ms: 99, maxMs: 100, maxBytes: 990 });
  expect(replicaLagOf([])).toBeUndefined();
});
