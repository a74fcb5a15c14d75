/** The cache in Redis, shared by all instances. When Redis is away or does not answer, there is no cache, and nothing else is wrong. */
import { Redis, type Result } from 'ioredis';
import type { Found, Store } from './cache.ts';

/** A cache that takes longer is slower than the statement. */
const commandTimeoutMs = 250;

const retryMs = 500;

/** How long a version is remembered after the last write: longer than any answer is under way, see `ticketLifeMs`. */
const versionLifeMs = 60_000;
const ticketLifeMs = 30_000;

/**
 * A reader may fetch the old row, a writer commit and delete the key, and the reader then put the old row there. In one process the cache
 * sees it; between processes each delete gives the key a new version, and an answer is kept only if the version is still its own.
 */
const setIfVersion = `
  if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    setIfVersion(
      key: string,
      versionKey: string,
      version: string,
      text: string,
      timeToLiveMs: number,
    ): Result<number, Context>;
  }
}

interface Ticket {
  version: string;
  takenMs: number;
  /** Of before a loss: writes may have been missed since. */
  epoch: number;
}

export class RedisStore implements Store<Ticket> {
  readonly #redis: Redis;
  /** Of all keys. Services on copies of a database may share a Redis, and must not share answers. */
  readonly #prefix: string;
  readonly #tell: (text: string) => void;
  #usable = false;
  /** How often Redis became usable. */
  #epoch = 0;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  /** `url`: redis://host:port or the path of a socket. `tell` hears when Redis is lost and when it is back. */
  constructor(url: string, databaseId: string, tell: (text: string) => void) {
    this.#prefix = `sessions:${databaseId}`;
    this.#tell = tell;
    this.#redis = new Redis(url, {
      lazyConnect: true,
      // Neither wait for a lost connection nor send again what may be outdated by then.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: commandTimeoutMs,
      connectTimeout: 1_000,
      retryStrategy: () => retryMs,
      scripts: { setIfVersion: { lua: setIfVersion, numberOfKeys: 2 } },
    });
    this.#redis.on('error', (error: Error) => this.#lose(error.message));
    this.#redis.on('close', () => this.#lose('the connection closed'));
  }

  /** Returns when Redis is usable, or known not to be. */
  async open(): Promise<void> {
    await this.#redis.connect().catch((error: Error) => this.#tell(`No cache: Redis: ${error.message}`));
    await this.#recover();
  }

  async get(key: string): Promise<Found<Ticket>> {
    const taken = { takenMs: performance.now(), epoch: this.#epoch };
    const [text, version] = await this.#attempt(() => this.#redis.mget(...this.#keysOf(key)), [null, null]);
    return { text: text ?? undefined, ticket: { version: version ?? '0', ...taken } };
  }

  async set(key: string, text: string, timeToLiveMs: number, ticket: Ticket): Promise<void> {
    const { version, takenMs, epoch } = ticket;
    if (epoch !== this.#epoch || performance.now() - takenMs > ticketLifeMs) return;
    await this.#attempt(() => this.#redis.setIfVersion(...this.#keysOf(key), version, text, timeToLiveMs), 0);
  }

  async delete(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const commands = this.#redis.multi();
    for (const [value, version] of keys.map((key) => this.#keysOf(key))) {
      commands.unlink(value).incr(version).pexpire(version, versionLifeMs);
    }
    await this.#attempt(() => commands.exec(), null);
  }

  async clear(): Promise<number> {
    return this.#attempt(() => this.#removeAll(), 0);
  }

  /** One more in the window of the key, for the rate limit; undefined while Redis is away. */
  async count(key: string, windowMs: number): Promise<number | undefined> {
    const counted = `${this.#prefix}:rate:${key}`;
    const command = () => this.#redis.multi().incr(counted).pexpire(counted, windowMs).exec();
    const replies = await this.#attempt(command, null);
    return replies?.[0]?.[1] as number | undefined;
  }

  /** Of all that Redis holds, versions and counts of the rate limit too. */
  async status() {
    const memory = await this.#attempt(() => this.#redis.info('memory'), '');
    const entries = await this.#attempt(() => this.#redis.dbsize(), 0);
    return { usable: this.#usable, entries, bytes: Number(/^used_memory:(\d+)/m.exec(memory)?.[1] ?? 0) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#usable = false;
    clearTimeout(this.#retry);
    this.#redis.disconnect();
  }

  async #attempt<T>(command: () => Promise<T>, otherwise: T): Promise<T> {
    if (!this.#usable) return otherwise;
    try {
      return await command();
    } catch (error) {
      this.#lose((error as Error).message);
      return otherwise;
    }
  }

  #lose(reason: string): void {
    if (this.#usable) this.#tell(`Redis is lost (${reason}). The service goes on without a cache.`);
    this.#usable = false;
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#recover(), retryMs);
  }

  /** Nobody knows which writes were missed before now: the cache is emptied before this instance reads from it. */
  async #recover(): Promise<void> {
    try {
      await this.#removeAll();
      this.#usable = true;
      this.#epoch++;
      this.#tell('Redis is usable, and its cache empty.');
    } catch (error) {
      this.#lose((error as Error).message);
    }
  }

  /** SCAN, not KEYS: KEYS stops everybody while it looks through all keys. */
  async #removeAll(): Promise<number> {
    let removed = 0;
    let cursor = '0';
    do {
      const [next, keys] = await this.#redis.scan(cursor, 'MATCH', `${this.#prefix}:value:*`, 'COUNT', 1_000);
      if (keys.length > 0) removed += await this.#redis.unlink(...keys);
      cursor = next;
    } while (cursor !== '0');
    return removed;
  }
  #keysOf(key: string): [value: string, version: string] {
    return [`${this.#prefix}:value:${key}`, `${this.#prefix}:version:${key}`];
  }
}
