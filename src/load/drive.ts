/** The drive loop: open loop over a schedule, with a bounded number of connections and an honest queue. */
import { Fate, longestOffsetUs, never } from './samples.ts';
import type { Samples } from './samples.ts';
import type { Clock, Pacer } from './pacer.ts';
import { FreeConnections, type PoolRules } from './pool.ts';

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
  /** When the first byte of the connection's latest answer came, in microseconds of the monotonic clock; 0 if none did. */
  firstByteUs(connection: number): number;
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
  /** Default: all connections are open, and arrivals wait for them for as long as it takes. */
  pool?: PoolRules;
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
  /** Counted arrivals that found all connections in use when they were taken up. */
  exhausted: number;
  /** Connections that were opened after the warm-up. */
  opened: number;
}

/** Reason of the signal that stops a block because the stage cannot hold the rate. */
export const saturated = 'saturated';

/** Time between looks at the backlog. */
const lookUs = 100_000;
/** After an interruption what was sent gets this long. */
const interruptedDrainUs = 1_000_000;
/** Share of the warm-up in which connections take turns: nearly all of it, for each has to prepare the rare statements too. */
const takingTurns = 0.9;
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
  readonly #free: FreeConnections;
  // Positions in `arrivals`: picked >= started, prepared >= started. What waits in a long queue is not drawn yet.
  #prepared = 0;
  #picked = 0;
  #started = 0;
  /** Arrivals wait for a connection, and the pacer knows it. */
  #isRelaxed = false;
  #wakeIsDue = false;
  #completed = 0;
  #failed = 0;
  #state: 'offering' | 'draining' | 'over' = 'offering';
  #result: DriveResult;
  #cancels: (() => void)[] = [];
  /** Cancels the look at who has waited for too long. */
  #patience: (() => void) | undefined;

  constructor(options: DriveOptions, resolve: (result: DriveResult) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#free = new FreeConnections(options.connections, options.pool);
    this.#result = { outcome: 'complete', stopUs: options.endUs, exhausted: 0, opened: 0 };
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
    this.#takeUpDue();
    // Behind the sends, while the server works: draw as many as were used.
    this.#prepareAhead(Math.min(this.#picked - before + 1, drawAhead));
  }

  /** Takes up what is due and starts what can be. While the pacer is relaxed, nothing was free when it became due. */
  #takeUpDue(): void {
    const from = this.#picked;
    const noneWasFree = this.#isRelaxed;
    this.#pickUpDue();
    this.#startWaiting();
    this.#countExhausted(noneWasFree ? from : Math.max(from, this.#started));
    this.#watchPatience();
    this.#tellPacer();
  }

  #tellPacer(): void {
    const waits = this.#started < this.#picked;
    if (waits === this.#isRelaxed) return;
    this.#isRelaxed = waits;
    this.#options.pacer.relax?.(waits);
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
      samples.firstByteUs[arrival] = never;
      this.#picked++;
    }
  }

  #prepareAhead(most: number): void {
    const { samples, arrivals, executor } = this.#options;
    const upTo = Math.min(this.#started + drawAhead, this.#prepared + most, arrivals.length);
    while (this.#prepared < upTo) {
      const arrival = arrivals[this.#prepared++]!;
      samples.class[arrival] = executor.prepare(arrival);
    }
  }

  #startWaiting(): void {
    while (this.#started < this.#picked) {
      const connection = this.#free.take();
      if (connection === undefined) return;
      this.#start(this.#nextWaiting(), connection);
    }
  }

  /** The arrival that has waited for longest, which from here on waits no more; its parameters are drawn. */
  #nextWaiting(): number {
    if (this.#prepared === this.#started) this.#prepareAhead(1);
    return this.#options.arrivals[this.#started++]!;
  }

  /** @param from the first that found none */
  #countExhausted(from: number): void {
    const { samples, arrivals, warmupUs } = this.#options;
    for (let place = from; place < this.#picked; place++) {
      if (samples.dueUs[arrivals[place]!]! >= warmupUs) this.#result.exhausted++;
    }
  }

  #start(arrival: number, connection: number): void {
    const { executor, warmupUs } = this.#options;
    const connecting = executor.connect(connection);
    if (connecting !== undefined && this.#elapsedUs() >= warmupUs) this.#result.opened++;
    const send = (): void => {
      const { samples } = this.#options;
      if (this.#state !== 'over') samples.sentUs[arrival] = offset(this.#elapsedUs() - samples.dueUs[arrival]!);
      void executor.execute(arrival, connection).then((ending) => this.#end(arrival, connection, ending));
    };
    if (connecting === undefined) send();
    else void connecting.then(send, send);
  }

  #end(arrival: number, connection: number, ending: Ending): void {
    if (this.#state === 'over') return;
    const { clock, startUs, warmupUs } = this.#options;
    // Read once: at tens of thousands of ends a second the clock shows.
    const nowUs = clock.nowUs();
    this.#note(arrival, ending, nowUs - startUs);
    this.#noteFirstByte(arrival, connection);
    // In the warm-up they take turns, so that none has to fill its caches in the counted time; no longer at its end, so that it goes on as it begins.
    this.#free.release(connection, nowUs, nowUs - startUs < takingTurns * warmupUs);
    if (this.#state === 'draining') {
      this.#startWaiting();
      this.#finishWhenIdle();
    } else if (this.#isRelaxed) this.#wakeSoon();
    else if (this.#free.count === this.#free.size) this.#options.pacer.idle?.();
  }

  /**
   * Arrivals wait for what has just become free: they are sent in one go behind all the answers that came with this one, so that the server
   * works on the first while the others are sent. At the peak rate that is 6 % more than to send each at once.
   */
  #wakeSoon(): void {
    if (this.#wakeIsDue) return;
    this.#wakeIsDue = true;
    this.#options.clock.soon(() => {
      this.#wakeIsDue = false;
      this.#wake();
    });
  }

  #noteFirstByte(arrival: number, connection: number): void {
    const { samples, executor, startUs } = this.#options;
    const instantUs = executor.firstByteUs(connection);
    if (instantUs > 0) samples.firstByteUs[arrival] = offset(instantUs - startUs - samples.dueUs[arrival]!);
  }

  #note(arrival: number, { fate, error, retries }: Ending, elapsedUs: number): void {
    const { samples } = this.#options;
    const responseUs = elapsedUs - samples.dueUs[arrival]!;
    samples.endUs[arrival] = offset(responseUs);
    samples.fate[arrival] = fate;
    samples.error[arrival] = error;
    samples.retries[arrival] = retries;
    this.#completed++;
    if (fate !== Fate.succeeded) this.#failed++;
    this.#options.onEnd?.(responseUs);
  }

  /** Sees to it that the arrival that waits for longest gives up in time, where arrivals do. */
  #watchPatience(): void {
    const untilUs = this.#patienceUntilUs();
    if (untilUs === Infinity || this.#patience !== undefined) return;
    this.#patience = this.#options.clock.at(untilUs, () => {
      this.#patience = undefined;
      this.#giveUpLate();
    });
  }

  /** The instant at which the arrival that waits for longest gives up; never where none waits, or none gives up. */
  #patienceUntilUs(): number {
    const { samples, arrivals, startUs, pool } = this.#options;
    if (pool?.connectionTimeoutUs === undefined || this.#started === this.#picked) return Infinity;
    const arrival = arrivals[this.#started]!;
    return startUs + samples.dueUs[arrival]! + samples.latenessUs[arrival]! + pool.connectionTimeoutUs;
  }

  #giveUpLate(): void {
    const { clock, pool } = this.#options;
    while (this.#patienceUntilUs() <= clock.nowUs()) {
      const arrival = this.#nextWaiting();
      this.#note(arrival, pool!.refuse(arrival), this.#elapsedUs());
    }
    this.#watchPatience();
    this.#tellPacer();
    if (this.#state === 'draining') this.#finishWhenIdle();
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
    this.#free.closeIdle(this.#options.clock.nowUs());
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
    this.#result = { ...this.#result, outcome, stopUs };
    if (outcome === 'complete') {
      this.#startWaiting();
      this.#watchPatience();
    } else this.#giveUpWaiting();
    const { clock, drainUs } = this.#options;
    const graceUs = outcome === 'interrupted' ? Math.min(drainUs, interruptedDrainUs) : drainUs;
    this.#cancels.push(clock.at(clock.nowUs() + graceUs, () => this.#finish()));
    this.#finishWhenIdle();
  }

  /** Arrivals that never got a connection end here, unfinished, with their age. */
  #giveUpWaiting(): void {
    while (this.#started < this.#picked) this.#leaveUnfinished(this.#nextWaiting());
  }

  #finishWhenIdle(): void {
    if (this.#started === this.#picked && this.#free.count === this.#free.size) this.#finish();
  }

  #finish(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    for (const cancel of this.#cancels) cancel();
    this.#patience?.();
    this.#giveUpWaiting();
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
