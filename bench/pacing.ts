/**
 * Ways to wake the generator when an arrival is due, at 1,000 and 20,000 a second: how late they are, and what they cost. Timers of the event loop
 * are a millisecond coarse; polling with setImmediate is never late and burns what it gets; a thread that sleeps in Atomics.wait wakes the
 * loop through Atomics.waitAsync; or the loop, which has nothing else to do here, sleeps so itself as well (src/load/pacer.ts, what the
 * engine does while nothing is under way). In turns, on an idle machine; with a server on the same cores the processor time counts twice.
 */
import { performance } from 'node:perf_hooks';
import { monotonicClock, ThreadPacer, type Pacer } from '../src/load/pacer.ts';
import { buildSchedule } from '../src/load/schedule.ts';
import type { BenchResult } from './main.ts';
import { median } from '../src/stats/median.ts';

const rates = [1000, 20_000];

export async function run({ quick }: { quick: boolean }): Promise<BenchResult> {
  await using thread = await ThreadPacer.start();
  const pacers: Record<string, Pacer> = {
    timers: { follow: byTimers },
    polling: { follow: byPolling },
    thread: { follow: (...table) => thread.follow(...table) },
    'thread, and own sleep': thread,
  };
  const turns = quick ? 2 : 5;
  const found = new Map<string, Turn[]>();
  for (let turn = 0; turn < turns; turn++) {
    for (const perSecond of rates) {
      for (const [name, pacer] of Object.entries(pacers)) {
        const key = `${perSecond}/s, ${name}`;
        const taken = await takeTurn(pacer, dueTimes(perSecond, quick ? 1000 : 3000, turn));
        found.set(key, [...(found.get(key) ?? []), taken]);
      }
    }
  }
  const figures = [...found].flatMap(([key, taken]) => [
    [`${key}: lateness p50 us`, median(taken.map(({ p50Us }) => p50Us))] as const,
    [`${key}: lateness p99 us`, median(taken.map(({ p99Us }) => p99Us))] as const,
    [`${key}: CPU cores`, median(taken.map(({ cpuCores }) => cpuCores))] as const,
  ]);
  return { ratios: {}, figures: Object.fromEntries(figures) };
}

interface Turn {
  p50Us: number;
  p99Us: number;
  cpuCores: number;
}

function dueTimes(ratePerSecond: number, durationMs: number, blockNumber: number): Float64Array {
  const transactions = [{ name: 'wake', weight: 1 }];
  return buildSchedule({ seed: 1, blockNumber, ratePerSecond, arrivals: 'poisson', durationMs, transactions }).dueUs;
}

async function takeTurn(pacer: Pacer, dueUs: Float64Array): Promise<Turn> {
  const latenessUs = new Float64Array(dueUs.length);
  const startUs = monotonicClock.nowUs() + 10_000;
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  let next = 0;
  const over = Promise.withResolvers<void>();
  const end = pacer.follow(dueUs, startUs, () => {
    for (; next < dueUs.length; next++) {
      const lateUs = monotonicClock.nowUs() - startUs - dueUs[next]!;
      if (lateUs < 0) {
        pacer.idle?.();
        return;
      }
      latenessUs[next] = lateUs;
    }
    over.resolve();
  });
  await over.promise;
  end();
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuCores = (user + system) / ((performance.now() - begun) * 1000);
  const sorted = latenessUs.sort();
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1]!;
  return { p50Us: at(0.5), p99Us: at(0.99), cpuCores };
}

function byTimers(dueUs: Float64Array, startUs: number, wake: () => void): () => void {
  let next = 0;
  let cancel: (() => void) | undefined;
  const arm = (): void => {
    if (next === dueUs.length) return;
    cancel = monotonicClock.at(startUs + dueUs[next]!, () => {
      wake();
      const nowUs = monotonicClock.nowUs() - startUs;
      while (next < dueUs.length && dueUs[next]! <= nowUs) next++;
      arm();
    });
  };
  arm();
  return () => cancel?.();
}

function byPolling(dueUs: Float64Array, startUs: number, wake: () => void): () => void {
  let next = 0;
  let running = true;
  const poll = (): void => {
    if (!running) return;
    const nowUs = monotonicClock.nowUs() - startUs;
    if (next < dueUs.length && dueUs[next]! <= nowUs) wake();
    while (next < dueUs.length && dueUs[next]! <= nowUs) next++;
    setImmediate(poll);
  };
  poll();
  return () => (running = false);
}
