import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fate, never } from '../../src/load/samples.ts';
import { simulate, steady } from './load-simulation.ts';

const refuse = () => ({ fate: Fate.failed, error: 1, retries: 0 });
const pool = { min: 4, connectionTimeoutUs: 200_000, disconnect: () => {}, refuse };

describe('arrivals that give up waiting for a connection', () => {
  it('fail on time, and leave the connections to those that can still be served', async () => {
    const { result, samples, executor, block } = await simulate({
      pool,
      durationMs: 3000,
      server: steady(1_000_000),
    });
    expect(result.outcome).toBe('complete');
    expect(executor.mostBusy).toBe(4);
    const refused = samples.fate.indexOf(Fate.failed);
    expect(samples.endUs[refused]).toBe(200_000);
    expect(samples.sentUs[refused]).toBe(never);
    // Connections become free once a second, at the end of the schedule too, for those that came at most 200 ms before.
    expect(block.counts).toEqual({ scheduled: 300, succeeded: 16, failed: 284, timedOut: 0, unfinished: 0 });
    expect(result.exhausted).toBe(296);
  });

  it.each([1, 2])('never wait longer, and none is lost, with %s workers', async (workers) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 100, max: 600_000 }), { minLength: 1, maxLength: 20 }),
        async (services) => {
          const { samples, block } = await simulate({
            pool,
            workers,
            ratePerSecond: 50,
            durationMs: 2000,
            pattern: 'poisson',
            server: { serviceUs: (arrival) => services[arrival % services.length]! },
          });
          expect(block.counts.succeeded + block.counts.failed).toBe(block.counts.scheduled);
          for (const [arrival, fate] of samples.fate.entries()) {
            // Simulated time may come a moment late for what is not due in whole microseconds.
            const endUs = fate === Fate.failed ? samples.endUs[arrival]! : samples.sentUs[arrival]!;
            const waited = endUs - samples.latenessUs[arrival]!;
            if (fate === Fate.failed) expect(waited).toBeGreaterThanOrEqual(199_999);
            expect(waited).toBeLessThanOrEqual(200_001);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('are counted apart from those that found a connection at once', async () => {
    const { result } = await simulate({ pool, server: steady(1000) });
    expect(result).toMatchObject({ outcome: 'complete', exhausted: 0 });
  });
});
