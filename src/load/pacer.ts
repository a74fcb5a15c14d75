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

/** Places of the 32-bit words that loop and pacing thread share. */
export const Word = { stop: 0, ticks: 1 } as const;

/** What the pacing thread gets. */
export interface PacingOrder {
  words: Int32Array;
  dueUs: Float64Array;
  startUs: number;
}

/**
 * A pacer on a thread of its own that sleeps in Atomics.wait until the next due time and wakes the loop through
 * Atomics.waitAsync. Timers of the event loop are a millisecond coarse and polling burns a core; this is late by some
 * tens of microseconds and costs a few per cent of a core at 1,000 arrivals a second.
 */
export class ThreadPacer implements Pacer, AsyncDisposable {
  readonly #thread: Worker;
  #end: () => void = () => {};

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
    const words = new Int32Array(new SharedArrayBuffer(8));
    const shared = new Float64Array(new SharedArrayBuffer(dueUs.byteLength));
    shared.set(dueUs);
    this.#thread.postMessage({ words, dueUs: shared, startUs } satisfies PacingOrder);
    const isRunning = (): boolean => Atomics.load(words, Word.stop) === 0;
    let seen = 0;
    const onTick = (): void => {
      // Ticks that come while `wake` is busy are seen here and not slept through.
      while (isRunning() && Atomics.load(words, Word.ticks) !== seen) {
        seen = Atomics.load(words, Word.ticks);
        wake();
      }
      if (isRunning()) listen();
    };
    const listen = (): void => {
      const waiting = Atomics.waitAsync(words, Word.ticks, seen);
      if (waiting.async) void waiting.value.then(onTick);
      else queueMicrotask(onTick);
    };
    listen();
    this.#end = () => {
      Atomics.store(words, Word.stop, 1);
      Atomics.notify(words, Word.stop);
      Atomics.notify(words, Word.ticks);
    };
    return this.#end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await this.#thread.terminate();
  }
}
