/** The way to the database: every statement by name, timed, on a connection of the pool. */
import { DatabaseError, Pool, types, type PoolClient } from 'pg';
import type { Monitor } from './monitoring.ts';
import { pools, type PoolName } from './pool.ts';

/** Prepared under its name once on each connection. The text takes parameters and holds no values. */
export interface Statement {
  name: string;
  text: string;
}

export type Query = <R extends object>(statement: Statement, values?: readonly unknown[]) => Promise<R[]>;

/** No connection within the pool's time. */
export class PoolExhaustedError extends Error {
  override name = 'PoolExhaustedError';
}

/** The server refuses connections, or closed one in the middle of a statement. */
export class DatabaseUnavailableError extends Error {
  override name = 'DatabaseUnavailableError';
}

const [int8, timestamp, timestamptz] = [20, 1114, 1184];

/** Counts as numbers, times as ISO 8601. The columns hold UTC without a zone; pg would read them in the zone of this machine. */
const parsers = new Map<number, (text: string) => unknown>([
  [int8, Number],
  [timestamp, (text) => `${text.replace(' ', 'T')}Z`],
  [timestamptz, (text) => new Date(text).toISOString()],
]);

/** A parameter for a column of type timestamp: UTC, no zone. */
export const utc = (instant: Date): string => instant.toISOString().slice(0, -1);

export class Database {
  readonly #pool: Pool;
  readonly #monitor: Monitor;
  readonly #config: (typeof pools)[PoolName];
  readonly #beganMs = performance.now();
  /** Requests that the pool turned away. */
  #timeouts = 0;
  /** How long connections were in use, and how long of that a statement ran; summed over all connections. */
  #heldMs = 0;
  #workingMs = 0;

  constructor(url: string, pool: PoolName, monitor: Monitor, onIdleError: (error: Error) => void) {
    this.#monitor = monitor;
    this.#config = pools[pool];
    this.#pool = new Pool({
      ...this.#config,
      connectionString: url,
      application_name: 'sessions-service',
      types: {
        getTypeParser: (oid: number, format?: string) => parsers.get(oid) ?? types.getTypeParser(oid, format as 'text'),
      },
    });
    // A server that goes away closes idle connections too. Without a listener that would end the process.
    this.#pool.on('error', onIdleError);
  }

  /** Opens the pool's minimum, so that the first requests need not. */
  async warmUp(): Promise<void> {
    const opened = await Promise.allSettled(Array.from({ length: this.#config.min ?? 1 }, () => this.#acquire()));
    for (const one of opened) if (one.status === 'fulfilled') one.value.release();
    const failed = opened.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  readonly query: Query = (statement, values) => this.#onConnection((query) => query(statement, values));

  /** All of it or nothing. Throw inside to roll back. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.#onConnection(async (query, isBroken) => {
      await query({ name: 'begin', text: 'BEGIN' });
      try {
        const result = await work(query);
        await query({ name: 'commit', text: 'COMMIT' });
        return result;
      } catch (error) {
        // The end of a broken connection rolls back as well.
        if (!isBroken()) await query({ name: 'rollback', text: 'ROLLBACK' });
        throw error;
      }
    });
  }

  /** Now; and, since the start, the share of all connections in use, and the share of that time in which a statement ran. */
  pool() {
    const { totalCount: open, idleCount: idle, waitingCount: waiting } = this.#pool;
    const { max } = this.#config;
    const utilisation = this.#heldMs / ((performance.now() - this.#beganMs) * max);
    const efficiency = this.#heldMs === 0 ? null : this.#workingMs / this.#heldMs;
    return { max, open, idle, inUse: open - idle, waiting, timeouts: this.#timeouts, utilisation, efficiency };
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #onConnection<T>(work: (query: Query, isBroken: () => boolean) => Promise<T>): Promise<T> {
    const client = await this.#acquire();
    const heldFromMs = performance.now();
    let broken = false;
    const noteBroken = () => (broken = true);
    client.on('error', noteBroken);
    const query: Query = async <R extends object>(statement: Statement, values: readonly unknown[] = []) => {
      try {
        return await this.#timed<R>(client, statement, values);
      } catch (error) {
        // An error of the statement alone leaves the connection as good as it was. After a timeout of the client it still works.
        if (!(error instanceof DatabaseError && error.severity === 'ERROR')) noteBroken();
        throw broken ? new DatabaseUnavailableError('The connection broke.', { cause: error }) : error;
      }
    };
    try {
      return await work(query, () => broken);
    } finally {
      client.removeListener('error', noteBroken);
      client.release(broken);
      this.#heldMs += performance.now() - heldFromMs;
    }
  }

  async #acquire(): Promise<PoolClient> {
    const beganMs = performance.now();
    let failed = true;
    try {
      const client = await this.#pool.connect();
      failed = false;
      return client;
    } catch (error) {
      // pg has no code for it.
      if (!(error instanceof Error && error.message === 'timeout exceeded when trying to connect')) {
        throw new DatabaseUnavailableError('The database takes no connection.', { cause: error });
      }
      this.#timeouts++;
      throw new PoolExhaustedError(`All ${this.#config.max} connections are in use.`, { cause: error });
    } finally {
      this.#monitor.connectionWait.record(performance.now() - beganMs, failed);
    }
  }

  async #timed<R extends object>(client: PoolClient, { name, text }: Statement, values: readonly unknown[]) {
    const beganMs = performance.now();
    let failed = true;
    try {
      const { rows } = await client.query<R>({ name, text, values: [...values] });
      failed = false;
      return rows;
    } finally {
      const durationMs = performance.now() - beganMs;
      this.#workingMs += durationMs;
      this.#monitor.statement(name, durationMs, failed);
    }
  }
}
