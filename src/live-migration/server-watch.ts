/**
 * Looks at the server as a whole while a migration runs in the load, twice a second, from a connection of its own: write-ahead log, disk,
 * replicas. Nothing that it reads waits for a lock of a table.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { LagTracker } from '../observe/replica-lag.ts';
import type { ConnectionTarget } from '../server/server.ts';

/** One look. Instants are of Date.now(). */
export interface ServerLook {
  atMs: number;
  /** Write-ahead log since the server's beginning. */
  walBytes: number;
  /** The database, the write-ahead log that is kept, and temporary files; absent where the role may not see them. */
  diskBytes?: number;
  /** How far the slowest replica is behind; absent where there is none. */
  replica?: { lagMs: number; lagBytes: number };
}

const intervalMs = 500;

// replay_lsn is empty for a backup, and for roles that may not see it. pg_stat_replication.replay_lag is not taken: it keeps its last
// value while a replica is stuck.
const look = `
  SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::float8 AS "walBytes",
         (SELECT pg_wal_lsn_diff(min(replay_lsn), '0/0')::float8 FROM pg_stat_replication) AS "replayedBytes"`;

// Roles need pg_monitor for the folders.
const disk = `
  SELECT (pg_database_size(current_database())
          + (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir())
          + (SELECT coalesce(sum(size), 0) FROM pg_ls_tmpdir()))::float8 AS "diskBytes"`;

/** Looks until it is stopped. */
export class ServerWatch implements AsyncDisposable {
  readonly looks: ServerLook[] = [];
  readonly #client: Client;
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;

  /** @param client of its own */
  constructor(client: Client) {
    this.#client = client;
    this.#watching = this.#lookAgainAndAgain();
  }

  static async start(connection: ConnectionTarget): Promise<ServerWatch> {
    const client = new Client({
      ...connection,
      application_name: 'pgrehearse server watch',
      options: '-c statement_timeout=2000 -c lock_timeout=100',
    });
    // What breaks the connection is told by whoever needs the server.
    client.on('error', () => {});
    await client.connect();
    return new ServerWatch(client);
  }

  async #lookAgainAndAgain(): Promise<void> {
    const { signal } = this.#stop;
    const tracker = new LagTracker();
    while (!signal.aborted) {
      const found = await this.#look(tracker).catch(() => undefined);
      if (found !== undefined) this.looks.push(found);
      await sleep(intervalMs, undefined, { signal }).catch(() => {});
    }
  }

  async #look(tracker: LagTracker): Promise<ServerLook> {
    const { rows } = await this.#client.query<{ walBytes: number; replayedBytes: number | null }>({
      name: 'look',
      text: look,
    });
    const { walBytes, replayedBytes } = rows[0]!;
    const atMs = Date.now();
    const replica =
      replayedBytes === null ? undefined : tracker.look({ atMs, lsn: walBytes }, { atMs, lsn: replayedBytes });
    const used = await this.#client.query<{ diskBytes: number }>({ name: 'disk', text: disk }).catch(() => undefined);
    return {
      atMs,
      walBytes,
      ...(used === undefined ? {} : { diskBytes: used.rows[0]!.diskBytes }),
      ...(replica === undefined ? {} : { replica: { lagMs: replica.lagMs, lagBytes: replica.lagBytes } }),
    };
  }

  /** The connection stays open. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#client.end().catch(() => {});
  }
}
