/** Time for the drive loop: a monotonic clock, coarse timers, and a pacer that wakes the loop when an arrival is due. */
import { extname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { refuseTimerSlack } from './precedence.ts';

/** What the drive loop knows about time. Tests give it a fake. */
export interface Clock {
  /** Microseconds of a monotonic clock. */
  nowUs(): number;
  /** Calls back once, never before the instant, a millisecond or so late. Returns a function that cancels. */
  at(instantUs: number, callback: () => void): () => void;
  /** Calls back behind all that has come by now. */
  soon(callback: () => void): void;
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
  /** Nothing is under way: until the next arrival is due the loop has nothing to do, and the pacer may put its thread to sleep. */
  idle?(): void;
}

/** Readings of both clocks of which the quickest is believed: one is put off by as long as its thread was halted between the two. */
const readings = 32;

/**
 * Microseconds between performance.now(), which counts from the start of its thread, and the clock of the machine, the same in all threads. A
 * thread that was halted while it read them once would be wrong for all its life.
 */
function offsetOfThreadUs(): number {
  let offsetUs = 0;
  let leastUs = Infinity;
  for (let reading = 0; reading < readings; reading++) {
    const beforeUs = performance.now() * 1000;
    const machineUs = Number(process.hrtime.bigint()) / 1000;
    const tookUs = performance.now() * 1000 - beforeUs;
    if (tookUs >= leastUs) continue;
    leastUs = tookUs;
    offsetUs = machineUs - beforeUs - tookUs / 2;
  }
  return offsetUs;
}

const offsetUs = offsetOfThreadUs();

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
  soon: (callback) => void setImmediate(callback),
};

/**
 * Places of the 32-bit words that loop and pacing thread share: `announced` counts arrivals, the lead is in nanoseconds, `asleep` is 1 while the
 * thread of the loop sleeps and wakes by itself, or stays awake for the next arrival.
 */
export const Word = { order: 0, announced: 1, leadNs: 2, asleep: 3 } as const;

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
  return isDenser(leastRestUs, dueUs, next) ? leastRestUs : 0;
}

/** Whether arrivals to come are less than so many microseconds apart on average. */
function isDenser(gapUs: number, dueUs: Float64Array, next: number): boolean {
  const last = Math.min(next + lookAhead, dueUs.length - 1);
  return dueUs[last]! - dueUs[next]! < (last - next) * gapUs;
}

/** The loop stands still while it is early, so it may never be so by much. */
const mostLeadUs = 100;
const leadStepUs = 0.5;

/**
 * How long before an arrival is due to wake, in microseconds, so that the loop is awake in time: a wake takes some ten microseconds, more where a
 * processor sleeps deeply, and through the pacing thread there are two of them. It follows the quantile 1/10 of that time, a
 * step down for each wake that was early and a ninth of it up for one that was late: nine wakes of ten still come a little late, and
 * those that come early cost the loop a few microseconds of standing still. Late because it was busy, the loop raises it little.
 *
 * @param earlyUs how long before its arrival was due the loop was awake; negative: after
 */
export function nextLeadUs(leadUs: number, earlyUs: number): number {
  return Math.min(mostLeadUs, Math.max(0, leadUs + (earlyUs > 0 ? -leadStepUs : leadStepUs / 9)));
}

/** What the pacing thread gets. */
export interface PacingOrder {
  words: Int32Array;
  dueUs: Float64Array;
  startUs: number;
}

/** Asleep, the loop sees nothing else, commands and timers included: then it looks, and sleeps on. */
const longestSleepUs = 2000;
/** To wake for nothing every two milliseconds costs more than it gives where arrivals are rare: a longer time is left to the thread. */
const longestIdleUs = 20_000;

/**
 * Nearer to the next arrival the loop stays awake: to fall asleep in the middle of a transaction, and to be woken through the thread, takes as long. At
 * 1,000 a second it stays so for half a per cent of the time, and where arrivals come less than four times as far apart it would be for more than 3 %.
 */
const wakefulUs = 100;
const wakefulFromGapUs = 4 * wakefulUs;
/** The last of it the loop stands still, for a turn of it takes as long. */
const turnUs = 15;

/**
 * A pacer on a thread of its own that sleeps in Atomics.wait until the next due time and wakes the loop through
 * Atomics.waitAsync. Timers of the event loop are a millisecond coarse and polling burns a core; this is late by some ten
 * microseconds and costs a few per cent of a core at 1,000 arrivals a second. While nothing is under way the loop sleeps so itself, which is
 * one wake instead of two, and right before an arrival it does not sleep at all.
 */
export class ThreadPacer implements Pacer, AsyncDisposable {
  readonly #thread: Worker;
  readonly #leads: Leads = { ofThreadUs: 0, ofLoopUs: 0 };
  #following: Following | undefined;

  private constructor(thread: Worker) {
    this.#thread = thread;
  }

  /** Resolves when the thread is up. */
  static async start(): Promise<ThreadPacer> {
    refuseTimerSlack();
    const file = new URL('./pacing-thread' + extname(fileURLToPath(import.meta.url)), import.meta.url);
    const thread = new Worker(file);
    await new Promise<void>((resolve, reject) => {
      thread.once('message', () => resolve());
      thread.once('error', reject);
    });
    return new ThreadPacer(thread);
  }

  follow(dueUs: Float64Array, startUs: number, wake: () => void): () => void {
    const following = new Following(dueUs, startUs, wake, this.#leads);
    this.#following = following;
    this.#thread.postMessage(following.order);
    return () => following.give(Order.stop);
  }

  relax(relaxed: boolean): void {
    this.#following?.give(relaxed ? Order.relax : Order.pace);
  }

  idle(): void {
    this.#following?.sleepSoon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#following?.give(Order.stop);
    await this.#thread.terminate();
  }
}

/** How long before an arrival is due the thread wakes, and the loop where it sleeps itself. Learnt over all tables that a pacer follows. */
interface Leads {
  ofThreadUs: number;
  ofLoopUs: number;
}

/** One table of due times, on the side of the loop. */
class Following {
  readonly #words = new Int32Array(new SharedArrayBuffer(16));
  readonly #dueUs: Float64Array;
  readonly #startUs: number;
  readonly #wake: () => void;
  readonly #leads: Leads;
  /** Arrivals that the loop was awake for. */
  #taken = 0;
  /** Arrivals that the thread had announced at the last look. */
  #seen = 0;
  /** Nothing was taken up since it was told to sleep. */
  #isIdle = false;
  #sleepIsDue = false;

  constructor(dueUs: Float64Array, startUs: number, wake: () => void, leads: Leads) {
    this.#dueUs = new Float64Array(new SharedArrayBuffer(dueUs.byteLength));
    this.#dueUs.set(dueUs);
    this.#startUs = startUs;
    this.#wake = wake;
    this.#leads = leads;
    this.#setThreadLead(leads.ofThreadUs);
    this.#listen();
  }

  /** What the thread gets. */
  get order(): PacingOrder {
    return { words: this.#words, dueUs: this.#dueUs, startUs: this.#startUs };
  }

  get #isRunning(): boolean {
    return Atomics.load(this.#words, Word.order) !== Order.stop;
  }

  get #nextUs(): number {
    return this.#startUs + this.#dueUs[this.#taken]!;
  }

  /** Until the next arrival is due. */
  get #leftUs(): number {
    return this.#nextUs - monotonicClock.nowUs();
  }

  /** The thread takes notice at once. */
  give(order: number): void {
    if (!this.#isRunning) return;
    Atomics.store(this.#words, Word.order, order);
    Atomics.notify(this.#words, Word.order);
    if (order === Order.stop) Atomics.notify(this.#words, Word.announced);
  }

  /** Puts the thread of the loop to sleep as soon as all that has come is dealt with. */
  sleepSoon(): void {
    this.#isIdle = true;
    if (this.#sleepIsDue) return;
    this.#sleepIsDue = true;
    setImmediate(() => {
      this.#sleepIsDue = false;
      if (this.#isIdle && this.#isRunning && this.#taken < this.#dueUs.length) this.#sleep();
    });
  }

  /** Until the next arrival is due, if that is soon. */
  #sleep(): void {
    const waitUs = this.#leftUs - this.#leads.ofLoopUs;
    if (waitUs <= 0 || waitUs > longestIdleUs || restUs(Order.pace, this.#dueUs, this.#taken) > 0) return;
    Atomics.store(this.#words, Word.asleep, 1);
    Atomics.wait(this.#words, Word.asleep, 1, Math.min(waitUs, longestSleepUs) / 1000);
    Atomics.store(this.#words, Word.asleep, 0);
    // More than was asked for may have gone by.
    const isAnnounced = Atomics.load(this.#words, Word.announced) > this.#taken;
    if (waitUs > longestSleepUs && !isAnnounced) return this.sleepSoon();
    this.#leads.ofLoopUs = nextLeadUs(this.#leads.ofLoopUs, this.#leftUs);
    this.#takeUp();
    // Announced while the loop slept, and therefore without a wake.
    this.#takeUpAnnounced();
  }

  /** If the next arrival is due at once, the loop turns until it is, and hears of answers meanwhile, instead of being woken for it. */
  #stayAwake(): void {
    if (this.#taken >= this.#dueUs.length || Atomics.load(this.#words, Word.order) !== Order.pace) return;
    if (this.#leftUs > wakefulUs || isDenser(wakefulFromGapUs, this.#dueUs, this.#taken)) return;
    Atomics.store(this.#words, Word.asleep, 1);
    const next = this.#taken;
    const turn = (): void => {
      if (this.#taken !== next || !this.#isRunning) return;
      if (this.#leftUs > turnUs) {
        setImmediate(turn);
        return;
      }
      this.#takeUp();
      this.#takeUpAnnounced();
    };
    setImmediate(turn);
  }

  #onTick(): void {
    // What is announced while `wake` is busy is seen here and not slept through.
    while (this.#isRunning && Atomics.load(this.#words, Word.announced) !== this.#seen) {
      if (Atomics.load(this.#words, Word.announced) === this.#taken + 1)
        this.#setThreadLead(nextLeadUs(this.#leads.ofThreadUs, this.#leftUs));
      this.#takeUpAnnounced();
    }
    if (this.#isRunning) this.#listen();
  }

  #listen(): void {
    const waiting = Atomics.waitAsync(this.#words, Word.announced, this.#seen);
    if (waiting.async) void waiting.value.then(() => this.#onTick());
    else queueMicrotask(() => this.#onTick());
  }

  #takeUpAnnounced(): void {
    this.#seen = Atomics.load(this.#words, Word.announced);
    while (this.#taken < this.#seen && this.#isRunning) this.#takeUp();
  }

  /** Wakes for what is due, of which the first may be about to be. */
  #takeUp(): void {
    const nowUs = standStillUntil(this.#nextUs) - this.#startUs;
    while (this.#taken < this.#dueUs.length && this.#dueUs[this.#taken]! <= nowUs) this.#taken++;
    this.#isIdle = false;
    // The thread wakes the loop again.
    Atomics.store(this.#words, Word.asleep, 0);
    this.#wake();
    this.#stayAwake();
  }

  #setThreadLead(leadUs: number): void {
    this.#leads.ofThreadUs = leadUs;
    Atomics.store(this.#words, Word.leadNs, leadUs * 1000);
  }
}

/** Returns the time when it is over, in microseconds, as the instant is. */
function standStillUntil(instantUs: number): number {
  let nowUs = monotonicClock.nowUs();
  while (nowUs < instantUs) nowUs = monotonicClock.nowUs();
  return nowUs;
}
