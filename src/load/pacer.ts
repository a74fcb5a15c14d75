/** Time for the drive loop: a monotonic clock, coarse timers, and a pacer that wakes the loop when an arrival is due. */
import { extname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** What the drive loop knows about time. Tests give it a fake. */
export interface Clock {
  /** Microseconds of a monotonic clock. */
  nowUs(): number;
  /** Calls back once, never before the instant, a millisecond or so late. Returns a function that cancels. */
  at(instantUs: number, callback: () => void): () => void;
}

/** Wakes the loop at the due times of arrivals. */
export interface Pacer {
  /**
   * Calls `wake` soon after each of the instants (given ascending, in microseconds after `startUs`), once for several when they
   * lie close together or the loop was busy. Returns a function that ends it.
   */
  follow(dueUs: Float64Array, startUs: number, wake: () => void): () => void;
  /** While relaxed, a wake in a millisecond is enough: the loop has nothing free for what becomes due, and looks itself when it has. */
  relax?(relaxed: boolean): void;
}

// performance.now() counts from the start of its thread; the offset makes it the clock of the machine, the same in all threads.
const offsetUs = Number(process.hrtime.bigint() / 1000n) - performance.now() * 1000;

/** The monotonic clock of the machine, the same in every thread. */
export const monotonicClock: Clock = {
  nowUs: () => performance.now() * 1000 + offsetUs,
  at(instantUs, callback) {
    // Timers of Node cut off fractions of a millisecond and count from the start of the loop's turn: they fire early by up to one.
    const arm = (): NodeJS.Timeout =>
      setTimeout(
        () => {
          if (monotonicClock.nowUs() >= instantUs) callback();
          else timer = arm();
        },
        Math.max(0, Math.ceil((instantUs - monotonicClock.nowUs()) / 1000)),
      );
    let timer = arm();
    return () => clearTimeout(timer);
  },
};

/** Places of the 32-bit words that loop and pacing thread share: `announced` counts arrivals, the lead is in nanoseconds. */
export const Word = { order: 0, announced: 1, leadNs: 2 } as const;

/** What the loop wants of the pacing thread. */
export const Order = { pace: 0, relax: 1, stop: 2 } as const;

/** A wake costs both threads some ten microseconds: one in this time takes a tenth of a core. */
const leastRestUs = 100;
const relaxedRestUs = 1000;
/** Arrivals to come whose mean distance is looked at. */
const lookAhead = 64;

/**
 * How long the loop is left alone after a wake, in microseconds: not at all while arrivals come further apart than wakes cost much. Above
 * that rate several are taken up at a time, each late by that much at most; to wake for each of 60,000 a second took two thirds of a core.
 *
 * @param order of `Order`
 * @param dueUs ascending
 * @param next place of the next arrival
 */
export function restUs(order: number, dueUs: Float64Array, next: number): number {
  if (order === Order.relax) return relaxedRestUs;
  const last = Math.min(next + lookAhead, dueUs.length - 1);
  return dueUs[last]! - dueUs[next]! < (last - next) * leastRestUs ? leastRestUs : 0;
}

/** The loop stands still while it is early, so it may never be so by much. */
const mostLeadUs = 100;
const leadStepUs = 0.5;

/**
 * How long before an arrival is due the pacing thread wakes, in microseconds, so that the loop is awake in time: two threads wake one after the
 * other, which takes some ten microseconds each, more where a processor sleeps deeply. It follows the quantile 1/3 of that time, a
 * step down for each wake that was early and half a step up for one that was late: two wakes of three still come a little late, and
 * those that come early cost the loop a few microseconds of standing still. Late because it was busy, the loop raises it little.
 *
 * @param earlyUs how long before its arrival was due the loop was awake; negative: after
 */
export function nextLeadUs(leadUs: number, earlyUs: number): number {
  return Math.min(mostLeadUs, Math.max(0, leadUs + (earlyUs > 0 ? -leadStepUs : leadStepUs / 2)));
}

/** What the pacing thread gets. */
export interface PacingOrder {
  words: Int32Array;
  dueUs: Float64Array;
  startUs: number;
}

/**
 * A pacer on a thread of its own that sleeps in Atomics.wait until the next due time and wakes the loop through
 * Atomics.waitAsync. Timers of the event loop are a millisecond coarse and polling burns a core; this is late by some ten
 * microseconds and costs a few per cent of a core at 1,000 arrivals a second.
 */
export class ThreadPacer implements Pacer, AsyncDisposable {
  readonly #thread: Worker;
  #order: (order: number) => void = () => {};
  #leadUs = 0;

  private constructor(thread: Worker) {
    this.#thread = thread;
  }

  /** Resolves when the thread is up. */
  static async start(): Promise<ThreadPacer> {
    const file = new URL('./pacing-thread' + extname(fileURLToPath(import.meta.url)), import.meta.url);
    const thread = new Worker(file);
    await new Promise<void>((resolve, reject) => {
      thread.once('message', () => resolve());
      thread.once('error', reject);
    });
    return new ThreadPacer(thread);
  }

  follow(dueUs: Float64Array, startUs: number, wake: () => void): () => void {
    const words = new Int32Array(new SharedArrayBuffer(12));
    const shared = new Float64Array(new SharedArrayBuffer(dueUs.byteLength));
    shared.set(dueUs);
    this.#setLead(words, this.#leadUs);
    this.#thread.postMessage({ words, dueUs: shared, startUs } satisfies PacingOrder);
    const isRunning = (): boolean => Atomics.load(words, Word.order) !== Order.stop;
    let taken = 0;
    let seen = 0;
    /** Wakes for what is due, of which the first may be about to be. */
    const takeUp = (): void => {
      const nowUs = standStillUntil(startUs + dueUs[taken]!) - startUs;
      while (taken < dueUs.length && dueUs[taken]! <= nowUs) taken++;
      wake();
    };
    const takeUpTo = (announced: number): void => {
      for (let next = taken; next < announced && isRunning(); next = taken) takeUp();
    };
    const onTick = (): void => {
      // What is announced while `wake` is busy is seen here and not slept through.
      while (isRunning() && Atomics.load(words, Word.announced) !== seen) {
        seen = Atomics.load(words, Word.announced);
        if (seen === taken + 1)
          this.#setLead(words, nextLeadUs(this.#leadUs, startUs + dueUs[taken]! - monotonicClock.nowUs()));
        takeUpTo(seen);
      }
      if (isRunning()) listen();
    };
    const listen = (): void => {
      const waiting = Atomics.waitAsync(words, Word.announced, seen);
      if (waiting.async) void waiting.value.then(onTick);
      else queueMicrotask(onTick);
    };
    listen();
    const give = (order: number): void => {
      if (!isRunning()) return;
      Atomics.store(words, Word.order, order);
      Atomics.notify(words, Word.order);
      if (order === Order.stop) Atomics.notify(words, Word.announced);
    };
    this.#order = give;
    return () => give(Order.stop);
  }

  relax(relaxed: boolean): void {
    this.#order(relaxed ? Order.relax : Order.pace);
  }

  #setLead(words: Int32Array, leadUs: number): void {
    this.#leadUs = leadUs;
    Atomics.store(words, Word.leadNs, leadUs * 1000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#order(Order.stop);
    await this.#thread.terminate();
  }
}

/** Returns the time when it is over, in microseconds, as the instant is. */
function standStillUntil(instantUs: number): number {
  let nowUs = monotonicClock.nowUs();
  while (nowUs < instantUs) nowUs = monotonicClock.nowUs();
  return nowUs;
}
