/** The connections of a drive loop that no transaction has: in which order they are used, and which are closed for being idle. */
import type { Ending } from './drive.ts';

/** A pool that does not simply keep all its connections open and lets arrivals wait for as long as it takes. */
export interface PoolRules {
  /** Open from the beginning, and never closed for being idle. */
  min: number;
  /** Others are closed when unused for so long. Default: never. */
  idleTimeoutUs?: number;
  /** Arrivals that wait for so long for a connection get none. Default: they wait. */
  connectionTimeoutUs?: number;
  /** Closes a connection that is free. */
  disconnect(connection: number): void;
  /** The ending of an arrival that got no connection in time. */
  refuse(arrival: number): Ending;
}

/**
 * The connection used last is used next, because its backend is the warmest. So those that are not open, and those that were unused for
 * longest, lie at the bottom, and a connection is only opened when all that are open are in use.
 */
export class FreeConnections {
  /** From the one unused for longest to the one used last. */
  readonly #free: number[];
  readonly #sinceUs: Float64Array;
  readonly #isOpen: Uint8Array;
  #open: number;
  readonly #rules: PoolRules | undefined;
  readonly size: number;

  /** @param rules default: all are open, and stay */
  constructor(size: number, rules?: PoolRules) {
    this.size = size;
    this.#rules = rules;
    this.#free = Array.from({ length: size }, (_, turn) => size - 1 - turn);
    this.#sinceUs = new Float64Array(size);
    this.#open = rules?.min ?? size;
    this.#isOpen = Uint8Array.from({ length: size }, (_, connection) => (connection < this.#open ? 1 : 0));
  }

  get count(): number {
    return this.#free.length;
  }

  /** The next one to be used; undefined when all are in use. */
  take(): number | undefined {
    const connection = this.#free.pop();
    if (connection !== undefined && this.#isOpen[connection] === 0) {
      this.#isOpen[connection] = 1;
      this.#open++;
    }
    return connection;
  }

  /** @param inTurn it is used last of all: in a warm-up none should be left with its caches cold; only where all are open */
  release(connection: number, nowUs: number, inTurn: boolean): void {
    this.#sinceUs[connection] = nowUs;
    if (inTurn && this.#open === this.size) this.#free.unshift(connection);
    else this.#free.push(connection);
  }

  /** Closes what was idle for too long, down to the least that is kept. */
  closeIdle(nowUs: number): void {
    if (this.#rules?.idleTimeoutUs === undefined) return;
    const { min, idleTimeoutUs } = this.#rules;
    for (const connection of this.#free) {
      if (this.#isOpen[connection] === 0) continue;
      if (this.#open <= min || nowUs - this.#sinceUs[connection]! < idleTimeoutUs) return;
      this.#isOpen[connection] = 0;
      this.#open--;
      this.#rules.disconnect(connection);
    }
  }
}
