/** What a request needs, opened and closed together. */
import { AlertBoard } from './alerts.ts';
import { Cache } from './cache.ts';
import { Database } from './database.ts';
import { MemoryStore } from './memory-store.ts';
import { Monitor } from './monitoring.ts';
import { RateLimiter } from './rate-limit.ts';
import { RedisStore } from './redis-store.ts';
import { readSchema, type Schema } from './schema.ts';
import { clockFrom, type Clock, type Settings } from './settings.ts';

export interface Log {
  info(text: string): void;
  warn(text: string): void;
}

export interface Parts {
  settings: Settings;
  clock: Clock;
  log: Log;
  monitor: Monitor;
  alerts: AlertBoard;
  database: Database;
  schema: Schema;
  cache: Cache;
  limiter: RateLimiter;
}

/** @throws DatabaseUnavailableError when the database is not there; a missing Redis only costs the cache */
export async function openParts(settings: Settings, log: Log): Promise<Parts> {
  const clock = clockFrom(settings.CLOCK_STARTS_AT);
  const monitor = new Monitor(clock);
  const alerts = new AlertBoard(clock, (event, { name, text }) => log.warn(`Alert ${event}: ${name}: ${text}`));
  const database = new Database(settings.DATABASE_URL, settings.POOL, monitor, ({ message }) => log.warn(message));
  try {
    await database.warmUp();
    const schema = await readSchema(database);
    const redis = settings.CACHE === 'redis' ? await openRedis(settings.REDIS_URL, schema.databaseId, log) : undefined;
    const cache = new Cache(settings.CACHE === 'memory' ? new MemoryStore() : redis);
    const count = redis && ((key: string, windowMs: number) => redis.count(key, windowMs));
    const limiter = new RateLimiter(settings.RATE_LIMIT_PER_MINUTE, clock, count);
    return { settings, clock, log, monitor, alerts, database, schema, cache, limiter };
  } catch (error) {
    monitor.close();
    await database.close();
    throw error;
  }
}

async function openRedis(url: string, databaseId: string, log: Log): Promise<RedisStore> {
  const redis = new RedisStore(url, databaseId, (text) => log.warn(text));
  await redis.open();
  return redis;
}

export async function closeParts({ monitor, database, cache }: Parts): Promise<void> {
  monitor.close();
  await Promise.all([database.close(), cache.close()]);
}
