/** Simulated time and a simulated server for the tests of the drive loop: minutes of load in milliseconds. */
import type { Ending, Executor } from '../../src/load/drive.ts';
import type { Clock, Pacer } from '../../src/load/pacer.ts';
import { Fate } from '../../src/load/samples.ts';

interface Event {
  atUs: number;
  order: number;
  happen: () => void;
}

/** While the pacer is relaxed, a wake comes in so long. */
const relaxedRestUs = 1000;

/**
 * Time that passes only when nothing is left to do. Wakes exactly on time, unless told to sleep through something, or relaxed: then it
 * wakes as seldom as a pacer may.
 */
export class FakeTime implements Clock, Pacer {
  #nowUs = 5_000_000;
  #order = 0;
  #events: Event[] = [];
  #isRelaxed = false;
  /** When the loop said that nothing was under way. */
  readonly idleUs: number[] = [];

  nowUs(): number {
    return this.#nowUs;
  }

  at(instantUs: number, callback: () => void): () => void {
    const event = { atUs: Math.max(instantUs, this.#nowUs), order: this.#order++, happen: callback };
    // Kept sorted: events are mostly added near the end.
    let place = this.#events.length;
    while (place > 0 && this.#events[place - 1]!.atUs > event.atUs) place--;
    this.#events.splice(place, 0, event);
    return () => {
      event.happen = () => {};
    };
  }

  soon(callback: () => void): void {
    this.at(this.#nowUs, callback);
  }

  follow(dueUs: Float64Array, startUs: number, wake: () => void): () => void {
    let running = true;
    let cancel: (() => void) | undefined;
    let wokenUs = -Infinity;
    let owed: (() => void) | undefined;
    const wakeNow = (): void => {
      owed?.();
      owed = undefined;
      wokenUs = this.#nowUs;
      wake();
    };
    const next = (turn: number): void => {
      if (!running || turn === dueUs.length) return;
      cancel = this.at(startUs + dueUs[turn]!, () => {
        if (this.#isRelaxed && this.#nowUs < wokenUs + relaxedRestUs) {
          owed ??= this.at(wokenUs + relaxedRestUs, () => running && wakeNow());
        } else wakeNow();
        next(turn + 1);
      });
    };
    next(0);
    return () => {
      running = false;
      cancel?.();
    };
  }

  relax(relaxed: boolean): void {
    this.#isRelaxed = relaxed;
  }

  idle(): void {
    this.idleUs.push(this.#nowUs);
  }

  /** Lets events happen in their order until the promise settles. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    for (;;) {
      for (let turn = 0; turn < 6; turn++) await Promise.resolve();
      if (settled) return promise;
      const event = this.#events.shift();
      if (event === undefined) throw new Error('Nothing is left to happen, and the promise is still open.');
      this.#nowUs = event.atUs;
      event.happen();
    }
  }
}

export interface ServerBehaviour {
  /** Time that the server needs for an arrival when it is well. */
  serviceUs(arrival: number): number;
  /** From the start of the block: the server does nothing in between, then goes on where it was. */
  stallUs?: readonly [from: number, to: number];
  ending?(arrival: number): Partial<Ending>;
  /** What `Executor.connect` returns. */
  connect?(time: FakeTime): Promise<void> | undefined;
  classOf?(arrival: number): number;
}

/** A server that takes as long as it is told to. */
export class FakeExecutor implements Executor {
  readonly prepared: number[] = [];
  readonly executed: number[] = [];
  /** Connection of each executed arrival, in the same order. */
  readonly used: number[] = [];
  /** The answer of each connection begins half-way. */
  readonly #firstBytesUs: number[] = [];
  busy = 0;
  mostBusy = 0;
  readonly #time: FakeTime;
  readonly #startUs: number;
  readonly #behaviour: ServerBehaviour;

  constructor(time: FakeTime, startUs: number, behaviour: ServerBehaviour) {
    this.#time = time;
    this.#startUs = startUs;
    this.#behaviour = behaviour;
  }

  prepare(arrival: number): number {
    this.prepared.push(arrival);
    return this.#behaviour.classOf?.(arrival) ?? 0;
  }

  connect(): Promise<void> | undefined {
    return this.#behaviour.connect?.(this.#time);
  }

  execute(arrival: number, connection: number): Promise<Ending> {
    this.executed.push(arrival);
    this.used.push(connection);
    this.#firstBytesUs[connection] = (this.#time.nowUs() + this.#endUs(arrival)) / 2;
    this.mostBusy = Math.max(this.mostBusy, ++this.busy);
    const ending: Ending = { fate: Fate.succeeded, error: 0, retries: 0, ...this.#behaviour.ending?.(arrival) };
    return new Promise((resolve) => {
      this.#time.at(this.#endUs(arrival), () => {
        this.busy--;
        resolve(ending);
      });
    });
  }

  firstByteUs(connection: number): number {
    return this.#firstBytesUs[connection]!;
  }

  #endUs(arrival: number): number {
    const [from, to] = (this.#behaviour.stallUs ?? [0, 0]).map((us) => this.#startUs + us) as [number, number];
    const endUs = this.#time.nowUs() + this.#behaviour.serviceUs(arrival);
    const startsInside = this.#time.nowUs() >= from && this.#time.nowUs() < to;
    if (startsInside) return to + this.#behaviour.serviceUs(arrival);
    return this.#time.nowUs() < from && endUs > from ? endUs + to - from : endUs;
  }
}
