/** The cache in the memory of this process: fastest, and not shared. Another instance does not hear of a write here. */
import { LRUCache } from 'lru-cache';
import type { Found, Store } from './cache.ts';

/** The least recently used goes first when it is full. */
const maxBytes = 64 * 1024 * 1024;

/** Lists, maps and headers around one entry, about. */
const overheadBytes = 200;

export class MemoryStore implements Store<undefined> {
  readonly #entries: LRUCache<string, string>;

  /** `nowMs`: a clock that only runs forward; default that of the process. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (text, key) => text.length + key.length + overheadBytes,
      perf: { now: nowMs },
      ttlResolution: 0,
    });
  }

  async get(key: string): Promise<Found<undefined>> {
    return { text: this.#entries.get(key), ticket: undefined };
  }

  async set(key: string, text: string, ttl: number): Promise<void> {
    this.#entries.set(key, text, { ttl });
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#entries.delete(key);
  }

  async clear(): Promise<number> {
    const { size } = this.#entries;
    this.#entries.clear();
    return size;
  }

  async status() {
    return { usable: true, entries: this.#entries.size, bytes: this.#entries.calculatedSize };
  }

  async close(): Promise<void> {
    this.#entries.clear();
  }
}
