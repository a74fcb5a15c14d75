import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { describe, expect, it } from 'vitest';
import { monotonicClock, nextLeadUs, Order, restUs, ThreadPacer } from '../../src/load/pacer.ts';
import type { Clock } from '../../src/load/pacer.ts';
import { seededGenerator } from '../../src/load/random.ts';

const dueTimes = (count: number, gapUs: number): Float64Array =>
  Float64Array.from({ length: count }, (_, n) => n * gapUs);

describe('ThreadPacer', () => {
  it('wakes the loop at or after every due time, until all are over', async () => {
    await using pacer = await ThreadPacer.start();
    const dueUs = dueTimes(300, 500);
    const startUs = monotonicClock.nowUs() + 5000;
    let next = 0;
    let wakes = 0;
    await new Promise<void>((resolve) => {
      pacer.follow(dueUs, startUs, () => {
        wakes++;
        while (next < dueUs.length && startUs + dueUs[next]! <= monotonicClock.nowUs()) next++;
        if (next === dueUs.length) resolve();
      });
    });
    expect(next).toBe(300);
    expect(wakes).toBeGreaterThan(10);
    expect(monotonicClock.nowUs()).toBeGreaterThanOrEqual(startUs + dueUs[299]!);
  });

  it('wakes a loop that was busy when arrivals became due', async () => {
    await using pacer = await ThreadPacer.start();
    const startUs = monotonicClock.nowUs();
    let wakes = 0;
    await new Promise<void>((resolve) => {
      pacer.follow(dueTimes(3, 10_000), startUs, () => {
        if (++wakes === 1) while (monotonicClock.nowUs() < startUs + 50_000);
        else resolve();
      });
    });
    expect(wakes).toBe(2);
  });

  it('is silent once it was ended, and can follow another table', async () => {
    await using pacer = await ThreadPacer.start();
    let wakes = 0;
    const end = pacer.follow(dueTimes(1000, 1000), monotonicClock.nowUs(), () => wakes++);
    await new Promise((resolve) => setTimeout(resolve, 50));
    end();
    const before = wakes;
    await new Promise<void>((resolve) => pacer.follow(dueTimes(1, 0), monotonicClock.nowUs() + 20_000, resolve));
    expect(before).toBeGreaterThan(0);
    expect(wakes).toBe(before);
  });

  it('puts the thread of the loop to sleep while nothing is under way', async () => {
    await using pacer = await ThreadPacer.start();
    const dueUs = dueTimes(100, 1000);
    const startUs = monotonicClock.nowUs() + 1000;
    let turns = 0;
    let isOver = false;
    await new Promise<void>((resolve) => {
      pacer.follow(dueUs, startUs, () => {
        isOver = monotonicClock.nowUs() >= startUs + dueUs[99]!;
        if (isOver) resolve();
        else pacer.idle();
      });
      const turn = (): void => {
        turns++;
        if (!isOver) setImmediate(turn);
      };
      pacer.idle();
      turn();
    });
    // Awake all the time, the loop turns some thousand times between two arrivals.
    expect(turns).toBeLessThan(1000);
  });

  it('wakes for both of two arrivals, however close, when the loop slept before them', async () => {
    await using pacer = await ThreadPacer.start();
    let woken = 0;
    for (let pair = 0; pair < 100; pair++) {
      const startUs = monotonicClock.nowUs() + 1500;
      const lastUs = 4 * pair;
      await new Promise<void>((resolve) => {
        pacer.follow(Float64Array.of(0, lastUs), startUs, () => {
          if (monotonicClock.nowUs() >= startUs + lastUs) resolve();
        });
        pacer.idle();
      });
      woken++;
    }
    expect(woken).toBe(100);
  });

  it('wakes for every arrival, near or far, whether something is under way or not', async () => {
    await using pacer = await ThreadPacer.start();
    const random = seededGenerator(7);
    // From nothing to 30 ms, and most of them within a millisecond.
    const gapsUs = Array.from({ length: 400 }, () => 30_000 * uniformFloat64(random) ** 6);
    const dueUs = Float64Array.from(gapsUs, (_, n) => gapsUs.slice(0, n + 1).reduce((sum, gap) => sum + gap, 0));
    const startUs = monotonicClock.nowUs() + 1000;
    let next = 0;
    let wakes = 0;
    await new Promise<void>((resolve) => {
      pacer.follow(dueUs, startUs, () => {
        wakes++;
        while (next < dueUs.length && startUs + dueUs[next]! <= monotonicClock.nowUs()) next++;
        if (next === dueUs.length) resolve();
        else if (next % 3 > 0) pacer.idle();
      });
    });
    expect(next).toBe(400);
    // What the loop took up by itself the thread announces in vain.
    expect(wakes).toBeLessThanOrEqual(400);
  });

  it('wakes less often while relaxed, and for each again at once when it no longer is', async () => {
    await using pacer = await ThreadPacer.start();
    const dueUs = dueTimes(1000, 200);
    const startUs = monotonicClock.nowUs() + 1000;
    let relaxedWakes = 0;
    let wakes = 0;
    await new Promise<void>((resolve) => {
      pacer.follow(dueUs, startUs, () => {
        const elapsedUs = monotonicClock.nowUs() - startUs;
        if (elapsedUs < 100_000) relaxedWakes++;
        else {
          pacer.relax(false);
          wakes++;
        }
        if (elapsedUs >= dueUs[999]!) resolve();
      });
      pacer.relax(true);
    });
    // One in a millisecond at most, where one in 200 microseconds was due.
    expect(relaxedWakes).toBeLessThanOrEqual(101);
    expect(wakes).toBeGreaterThan(1);
  });
});

describe('restUs', () => {
  it.each([
    { perSecond: 1000, rest: 0 },
    { perSecond: 9000, rest: 0 },
    { perSecond: 20_000, rest: 100 },
    { perSecond: 60_000, rest: 100 },
  ])('lets the loop rest for $rest us at $perSecond/s', ({ perSecond, rest }) => {
    const dueUs = dueTimes(500, 1e6 / perSecond);
    expect([0, 100, 499].map((next) => restUs(Order.pace, dueUs, next))).toEqual([rest, rest, 0]);
    expect(restUs(Order.relax, dueUs, 0)).toBe(1000);
  });
});

/** Leads and earliness of wakes that take any time from 20 to 80 us, equally often. */
function follow(seed: number, wakes: number): { leadUs: number; earlyUs: number }[] {
  const random = seededGenerator(seed);
  let leadUs = 0;
  return Array.from({ length: wakes }, () => {
    const earlyUs = leadUs - (20 + 60 * uniformFloat64(random));
    leadUs = nextLeadUs(leadUs, earlyUs);
    return { leadUs, earlyUs };
  });
}

describe('nextLeadUs', () => {
  it('finds the lead with which one wake of ten is early', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const later = follow(seed, 4000).slice(1000);
        const early = later.filter(({ earlyUs }) => earlyUs > 0).length / later.length;
        expect(early).toBeCloseTo(0.1, 1);
        expect(later.reduce((sum, { leadUs }) => sum + leadUs, 0) / later.length).toBeCloseTo(26, -1);
      }),
    );
  });

  it.each([
    { what: 'a loop that is always late', earlyUs: -1e6, end: 100 },
    { what: 'a loop that is always early', earlyUs: 1, end: 0 },
  ])('keeps the lead within bounds for $what', ({ earlyUs, end }) => {
    let leadUs = 50;
    for (let wake = 0; wake < 1000; wake++) leadUs = nextLeadUs(leadUs, earlyUs);
    expect(leadUs).toBe(end);
  });
});

/** How far the clock is behind that of the machine, in microseconds, by the quickest of many readings. Needs nothing but its argument. */
function errorUs(clock: Clock): number {
  const readings = Array.from({ length: 500 }, () => {
    const beforeUs = clock.nowUs();
    const machineUs = Number(process.hrtime.bigint()) / 1000;
    const afterUs = clock.nowUs();
    return { tookUs: afterUs - beforeUs, errorUs: machineUs - (beforeUs + afterUs) / 2 };
  });
  return readings.toSorted((a, b) => a.tookUs - b.tookUs)[0]!.errorUs;
}

/** The same in another thread. */
const threadCode = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData).then(({ monotonicClock }) => parentPort.postMessage((${errorUs.toString()})(monotonicClock)));
`;

describe('monotonicClock', () => {
  it('is the clock of the machine, the same in every thread', async () => {
    const thread = new Worker(threadCode, {
      eval: true,
      workerData: new URL('../../src/load/pacer.ts', import.meta.url).href,
    });
    const [there] = (await once(thread, 'message')) as [number];
    // Set by one reading of the machine's clock, as it once was, a thread was wrong by 30 to 200 microseconds.
    expect(Math.abs(errorUs(monotonicClock))).toBeLessThan(1);
    expect(Math.abs(there)).toBeLessThan(1);
  });
});

describe('monotonicClock', () => {
  it('never calls back before the instant, fractions of a millisecond included', async () => {
    const early: number[] = [];
    const waits = Array.from({ length: 200 }, (_, at) => {
      const instantUs = monotonicClock.nowUs() + 137 * at + 0.5;
      return new Promise<void>((resolve) =>
        monotonicClock.at(instantUs, () => {
          if (monotonicClock.nowUs() < instantUs) early.push(instantUs - monotonicClock.nowUs());
          resolve();
        }),
      );
    });
    await Promise.all(waits);
    expect(early).toEqual([]);
  });

  it('does not call back after it was cancelled', async () => {
    let called = false;
    const cancel = monotonicClock.at(monotonicClock.nowUs() + 2000, () => (called = true));
    cancel();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(called).toBe(false);
  });
});
