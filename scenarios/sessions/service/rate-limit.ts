/** So many requests of one wallet to one kind of endpoint in a minute. */
import type { Clock } from './settings.ts';

const windowMs = 60_000;

/** Counts one more of a key in its window, for all instances; undefined when it cannot. */
export type SharedCount = (key: string, windowMs: number) => Promise<number | undefined>;

export class RateLimiter {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #shared: SharedCount | undefined;
  #window = 0;
  #counts = new Map<string, number>();

  /** `limit` 0: none. Without `shared`, and while it fails, this instance counts alone. */
  constructor(limit: number, clock: Clock, shared?: SharedCount) {
    this.#limit = limit;
    this.#clock = clock;
    this.#shared = shared;
  }

  /** Undefined when the request may go on, else the seconds until it may. */
  async refuse(kind: string, wallet: string): Promise<number | undefined> {
    if (this.#limit === 0) return undefined;
    const nowMs = this.#clock().getTime();
    const window = Math.floor(nowMs / windowMs);
    const key = `${kind}:${wallet}:${window}`;
    const count = (await this.#shared?.(key, windowMs)) ?? this.#count(key, window);
    return count <= this.#limit ? undefined : Math.ceil(((window + 1) * windowMs - nowMs) / 1000);
  }

  #count(key: string, window: number): number {
    if (window !== this.#window) {
      this.#window = window;
      this.#counts = new Map();
    }
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }
}
