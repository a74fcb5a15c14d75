import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outagesOf } from '../../src/load/outages.ts';
import { createSamples, Fate } from '../../src/load/samples.ts';
import { outages as describeOutages } from '../../src/report/markdown-outages.ts';
import type { Block } from '../../src/result.ts';

interface Arrival {
  fate: Fate;
  endMs?: number;
}

/** A hundred arrivals a second, from the start of a block with a second of warm-up. */
function outagesAmong(arrivals: readonly Arrival[]) {
  const samples = createSamples({
    dueUs: Float64Array.from(arrivals, (_, number) => number * 10_000),
    transaction: new Uint16Array(arrivals.length),
  });
  arrivals.forEach(({ fate, endMs = 1 }, number) => {
    samples.fate[number] = fate;
    samples.endUs[number] = endMs * 1000;
  });
  const all = Uint32Array.from(arrivals, (_, number) => number);
  return outagesOf(
    samples,
    all.filter((number) => samples.dueUs[number]! >= 1_000_000),
    1_000_000,
  );
}

const good = (count: number): Arrival[] => Array.from({ length: count }, () => ({ fate: Fate.succeeded }));
const bad = (count: number, endMs = 1): Arrival[] =>
  Array.from({ length: count }, () => ({ fate: Fate.failed, endMs }));

describe('outages', () => {
  it('begin when the first that failed was due and end with the last that failed', () => {
    // Seconds 0 to 3 are good, the first of them the warm-up; of the next 150 two in three fail.
    const among = Array.from({ length: 50 }, () => [...bad(1), ...good(1), ...bad(1, 40)]).flat();
    expect(outagesAmong([...good(300), ...among, ...good(100)])).toEqual([
      { offsetMs: 2000, durationMs: 1490 + 40, failed: 100, scheduled: 154, recovered: true },
    ]);
  });

  it('of a server that hangs begin with the first arrival that got no answer', () => {
    const hung = Array.from({ length: 100 }, (_, number): Arrival => ({
      fate: Fate.timedOut,
      endMs: 2000 - 10 * number,
    }));
    expect(outagesAmong([...good(200), ...hung, ...good(300)])).toMatchObject([
      { offsetMs: 1000, durationMs: 2000, failed: 100, recovered: true },
    ]);
  });

  it('are not recovered when nothing succeeded afterwards', () => {
    expect(outagesAmong([...good(200), ...bad(100)])).toMatchObject([{ failed: 100, recovered: false }]);
  });

  it('are two when a second passed without a failure', () => {
    const two = outagesAmong([
      ...good(200),
      ...bad(20),
      ...good(110),
      ...bad(20),
      ...good(99),
      ...bad(20),
      ...good(50),
    ]);
    expect(two.map(({ failed }) => failed)).toEqual([20, 40]);
  });

  it('are not made of few failures, nor of a small share', () => {
    expect(outagesAmong([...good(200), ...bad(4), ...good(200)])).toEqual([]);
    const rare = Array.from({ length: 50 }, () => [...good(19), ...bad(1)]).flat();
    expect(outagesAmong([...good(100), ...rare])).toEqual([]);
  });

  it('hold no failure twice, and lie apart in the measured time', () => {
    const arrival = fc.record({
      fate: fc.constantFrom(Fate.succeeded, Fate.succeeded, Fate.failed, Fate.timedOut, Fate.unfinished),
      endMs: fc.integer({ min: 0, max: 1500 }),
    });
    fc.assert(
      fc.property(fc.array(arrival, { minLength: 200, maxLength: 900 }), (arrivals) => {
        const found = outagesAmong(arrivals);
        const failures = arrivals
          .slice(100)
          .filter(({ fate }) => fate === Fate.failed || fate === Fate.timedOut).length;
        expect(found.reduce((sum, { failed }) => sum + failed, 0)).toBeLessThanOrEqual(failures);
        found.forEach(({ offsetMs, failed, scheduled }, number) => {
          expect(failed).toBeLessThanOrEqual(scheduled);
          const before = found[number - 1];
          expect(offsetMs).toBeGreaterThan(before === undefined ? -1 : before.offsetMs + before.durationMs + 1000);
        });
      }),
    );
  });

  it('are told with the time that it took to recover', () => {
    const outage = { offsetMs: 3200, durationMs: 1400, failed: 143, scheduled: 280 };
    const blocks = [
      { stage: 'before', outages: [{ ...outage, recovered: true }] },
      { stage: 'after', outages: [{ ...outage, recovered: false }] },
      { stage: 'other' },
    ] as Block[];
    expect(describeOutages({ blocks })).toMatch(
      /- before: from 3\.2 s on, 143 of 280 failed; recovered after 1\.4 s\n- after: .* failed, up to the end$/,
    );
    expect(describeOutages({ blocks: blocks.slice(2) })).toBe('');
  });
});
