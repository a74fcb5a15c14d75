/** The drive loop: open loop over a schedule, with a bounded number of connections and an honest queue. */
import { Fate, longestOffsetUs, never } from './samples.ts';
import type { Samples } from './samples.ts';
import type { Clock, Pacer } from './pacer.ts';

/** How a transaction ended. */
export interface Ending {
  fate: typeof Fate.succeeded | typeof Fate.failed | typeof Fate.timedOut;
  /** Label number of the error (see `LabelTable`); 0 for none. */
  error: number;
  retries: number;
}

/** Carries out transactions. The loop decides when, the executor how. */
export interface Executor {
  /** Draws the parameters of an arrival, ahead of its due time where possible. Returns the label number of their class. */
  prepare(arrival: number): number;
  /** Makes the connection fit for use; undefined when it is. A rejection is left to `execute` to report. */
  connect(connection: number): Promise<void> | undefined;
  /** Carries out one arrival on one connection, retries included. Never rejects. */
  execute(arrival: number, connection: number): Promise<Ending>;
}

/** A look at a running block. */
export interface DriveProgress {
  elapsedUs: number;
  completed: number;
  failed: number;
  /** Arrivals that wait for a connection, and the age of the oldest; 0 when none waits. */
  waiting: number;
  oldestAgeUs: number;
}

export interface DriveOptions {
  /** All arrivals of the block; this loop writes those of its stripe. */
  samples: Samples;
  /** Numbers of the arrivals of this loop, ascending (see `stripe`). */
  arrivals: Uint32Array;
  clock: Clock;
  pacer: Pacer;
  executor: Executor;
  connections: number;
  /** Instant of the clock at which the block starts. */
  startUs: number;
  /** Arrivals due before are driven, not counted. */
  warmupUs: number;
  /** Planned end of the schedule. */
  endUs: number;
  /** How long what was sent may still take after the end. */
  drainUs: number;
  /** Stops the block early; its reason may be `saturated`, any other means an interruption. */
  signal?: AbortSignal;
  /** Called about ten times a second. */
  onProgress?(progress: DriveProgress): void;
  /** Called for every end, with the response time. */
  onEnd?(responseUs: number): void;
}

export interface DriveResult {
  outcome: 'complete' | 'saturated' | 'interrupted';
  /** End of the schedule or the stop, from the start of the block; arrivals due later were not offered. */
  stopUs: number;
}

/** Reason of the signal that stops a block because the stage cannot hold the rate. */
export const saturated = 'saturated';

/** Time between looks at the backlog. */
const lookUs = 100_000;
/** After an interruption what was sent gets this long. */
const interruptedDrainUs = 1_000_000;
/** Parameters are drawn this many arrivals ahead. */
const drawAhead = 64;

/**
 * Drives a block. Arrivals are never dropped and never wait for completions: what is due and finds no connection free queues, first
 * come, first served. The queue takes no memory of its own: it is the range between two positions of the schedule.
 *
 * After the planned end the queue is still served until the drain deadline. After a stop (saturation, interruption) what waits is
 * given up at once and what was sent may finish. Whatever is left then is recorded as unfinished with its age.
 */
export function drive(options: DriveOptions): Promise<DriveResult> {
  return new Promise((resolve) => new DriveLoop(options, resolve).run());
}

class DriveLoop {
  readonly #options: DriveOptions;
  readonly #resolve: (result: DriveResult) => void;
  readonly #free: number[];
  // Positions in `arrivals`: prepared >= picked >= started.
  #prepared = 0;
  #picked = 0;
  #started = 0;
  #completed = 0;
  #failed = 0;
  #state: 'offering' | 'draining' | 'over' = 'offering';
  #result: DriveResult;
  #cancels: (() => void)[] = [];

  constructor(options: DriveOptions, resolve: (result: DriveResult) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#free = Array.from({ length: options.connections }, (_, turn) => options.connections - 1 - turn);
    this.#result = { outcome: 'complete', stopUs: options.endUs };
  }

  run(): void {
    const { samples, arrivals, clock, pacer, startUs, endUs, signal } = this.#options;
    this.#prepareAhead(drawAhead);
    const dueUs = Float64Array.from(arrivals, (arrival) => samples.dueUs[arrival]!);
    this.#cancels.push(
      pacer.follow(dueUs, startUs, () => this.#wake()),
      clock.at(startUs + endUs, () => this.#stopOffering('complete', endUs)),
    );
    this.#lookAgain();
    const onAbort = (): void =>
      this.#stopOffering(signal?.reason === saturated ? saturated : 'interrupted', Math.max(0, this.#elapsedUs()));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#cancels.push(() => signal?.removeEventListener('abort', onAbort));
    if (signal?.aborted === true) onAbort();
  }

  #elapsedUs(): number {
    return this.#options.clock.nowUs() - this.#options.startUs;
  }

  #wake(): void {
    if (this.#state !== 'offering') return;
    const before = this.#picked;
    this.#pickUpDue();
    this.#startWaiting();
    // Behind the sends, while the server works: draw as many as were used.
    this.#prepareAhead(Math.min(this.#picked - before + 1, drawAhead));
  }

  /** Takes up every arrival that is due (before a stop, if one is given) and notes how late that is. */
  #pickUpDue(stopUs = Infinity): void {
    const { samples, arrivals } = this.#options;
    while (this.#picked < arrivals.length) {
      const arrival = arrivals[this.#picked]!;
      const dueUs = samples.dueUs[arrival]!;
      const latenessUs = this.#elapsedUs() - dueUs;
      if (latenessUs < 0 || dueUs >= stopUs) return;
      samples.latenessUs[arrival] = offset(latenessUs);
      samples.fate[arrival] = Fate.unfinished;
      samples.sentUs[arrival] = never;
      if (this.#prepared === this.#picked) this.#prepareAhead(1);
      this.#picked++;
    }
  }

  #prepareAhead(most: number): void {
    const { samples, arrivals, executor } = this.#options;
    const upTo = Math.min(this.#picked + drawAhead, this.#prepared + most, arrivals.length);
    while (this.#prepared < upTo) {
      const arrival = arrivals[this.#prepared++]!;
      samples.class[arrival] = executor.prepare(arrival);
    }
  }

  #startWaiting(): void {
    while (this.#started < this.#picked && this.#free.length > 0) {
      this.#start(this.#options.arrivals[this.#started++]!, this.#free.pop()!);
    }
  }

  #start(arrival: number, connection: number): void {
    const { executor } = this.#options;
    const connecting = executor.connect(connection);
    const send = (): void => {
      const { samples } = this.#options;
      if (this.#state !== 'over') samples.sentUs[arrival] = offset(this.#elapsedUs() - samples.dueUs[arrival]!);
      void executor.execute(arrival, connection).then((ending) => this.#end(arrival, connection, ending));
    };
    if (connecting === undefined) send();
    else void connecting.then(send, send);
  }

  #end(arrival: number, connection: number, { fate, error, retries }: Ending): void {
    if (this.#state === 'over') return;
    const { samples } = this.#options;
    const responseUs = this.#elapsedUs() - samples.dueUs[arrival]!;
    samples.endUs[arrival] = offset(responseUs);
    samples.fate[arrival] = fate;
    samples.error[arrival] = error;
    samples.retries[arrival] = retries;
    this.#completed++;
    if (fate !== Fate.succeeded) this.#failed++;
    this.#options.onEnd?.(responseUs);
    this.#release(connection);
    this.#startWaiting();
    if (this.#state === 'draining') this.#finishWhenIdle();
  }

  /**
   * The connection used last is used next, because its backend is the warmest, except in the warm-up: there they take turns, so
   * that none has to fill its caches in the counted time.
   */
  #release(connection: number): void {
    if (this.#elapsedUs() < this.#options.warmupUs) this.#free.unshift(connection);
    else this.#free.push(connection);
  }

  #lookAgain(): void {
    const { clock } = this.#options;
    const cancel = clock.at(clock.nowUs() + lookUs, () => {
      this.#cancels = this.#cancels.filter((known) => known !== cancel);
      this.#look();
      if (this.#state !== 'over') this.#lookAgain();
    });
    this.#cancels.push(cancel);
  }

  #look(): void {
    const { samples, arrivals } = this.#options;
    const elapsedUs = this.#elapsedUs();
    const waiting = this.#picked - this.#started;
    const oldestAgeUs = waiting === 0 ? 0 : elapsedUs - samples.dueUs[arrivals[this.#started]!]!;
    this.#options.onProgress?.({
      elapsedUs,
      completed: this.#completed,
      failed: this.#failed,
      waiting,
      oldestAgeUs,
    });
  }

  #stopOffering(outcome: DriveResult['outcome'], stopUs: number): void {
    if (this.#state !== 'offering') return;
    this.#pickUpDue(stopUs);
    this.#state = 'draining';
    this.#result = { outcome, stopUs };
    if (outcome === 'complete') this.#startWaiting();
    else this.#giveUpWaiting();
    const { clock, drainUs } = this.#options;
    const graceUs = outcome === 'interrupted' ? Math.min(drainUs, interruptedDrainUs) : drainUs;
    this.#cancels.push(clock.at(clock.nowUs() + graceUs, () => this.#finish()));
    this.#finishWhenIdle();
  }

  /** Arrivals that never got a connection end here, unfinished, with their age. */
  #giveUpWaiting(): void {
    while (this.#started < this.#picked) this.#leaveUnfinished(this.#options.arrivals[this.#started++]!);
  }

  #finishWhenIdle(): void {
    if (this.#started === this.#picked && this.#free.length === this.#options.connections) this.#finish();
  }

  #finish(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    for (const cancel of this.#cancels) cancel();
    const { samples, arrivals } = this.#options;
    for (const arrival of arrivals.subarray(0, this.#picked)) {
      if (samples.fate[arrival] === Fate.unfinished && samples.endUs[arrival] === 0) this.#leaveUnfinished(arrival);
    }
    this.#resolve(this.#result);
  }

  #leaveUnfinished(arrival: number): void {
    const { samples } = this.#options;
    samples.endUs[arrival] = offset(this.#elapsedUs() - samples.dueUs[arrival]!);
  }
}

/** Whole microseconds that fit a column. */
function offset(us: number): number {
  return Math.min(Math.max(Math.round(us), 0), longestOffsetUs);
}
