/** How far a streaming replica is behind its primary, looked at again and again while a load runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { ConnectionTarget } from '../server/server.ts';
import type { ReplicaLag } from './record.ts';

/** One look at both servers. */
export interface ReplicaLagLook {
  /** Milliseconds since the epoch. */
  atMs: number;
  /** How old what the replica shows is: for so long the primary has been further than the replica is now. */
  lagMs: number;
  /** WAL that the primary has written out and the replica has not replayed. */
  lagBytes: number;
}

/** A place in the WAL, in bytes from its beginning, and when a server was there. */
interface WalPosition {
  atMs: number;
  lsn: number;
}

/**
 * Turns places in the WAL into time, as PostgreSQL's own lag tracker does (src/backend/replication/walsender.c), but from looks of our
 * own: pg_stat_replication.replay_lag keeps its last value while a replica is stuck, and the age of the last replayed transaction
 * also grows while nobody commits.
 */
export class LagTracker {
  /** Of the primary, ascending; those that the replica has passed are forgotten. */
  #ahead: WalPosition[] = [];

  /** @param replica as it was after the primary was looked at */
  look(primary: WalPosition, replica: WalPosition): ReplicaLagLook {
    this.#ahead.push(primary);
    this.#ahead = this.#ahead.filter(({ lsn }) => lsn > replica.lsn);
    const since = this.#ahead[0]?.atMs ?? replica.atMs;
    return {
      atMs: replica.atMs,
      lagMs: replica.atMs - since,
      lagBytes: Math.max(0, primary.lsn - replica.lsn),
    };
  }
}

const lookEveryMs = 100;

/** Looks at a primary and its replica ten times a second until it is disposed of; a server that goes away ends it. */
export class ReplicaLagWatch implements AsyncDisposable {
  /** So far, in their order. */
  readonly looks: ReplicaLagLook[] = [];
  readonly #primary: Client;
  readonly #replica: Client;
  readonly #stop = new AbortController();
  #watching: Promise<void> | undefined;

  private constructor(primary: Client, replica: Client) {
    this.#primary = primary;
    this.#replica = replica;
  }

  /** @throws what `pg` throws when a server cannot be reached */
  static async start(primary: ConnectionTarget, replica: ConnectionTarget): Promise<ReplicaLagWatch> {
    const client = await connect(primary);
    const other = await connect(replica).catch(async (error: unknown) => {
      await client.end();
      throw error;
    });
    const watch = new ReplicaLagWatch(client, other);
    watch.#watching = watch.#lookAgainAndAgain();
    return watch;
  }

  async #lookAgainAndAgain(): Promise<void> {
    const tracker = new LagTracker();
    const { signal } = this.#stop;
    try {
      while (!signal.aborted) {
        this.looks.push(
          tracker.look(
            await positionOf(this.#primary, 'pg_current_wal_flush_lsn()'),
            await positionOf(this.#replica, 'pg_last_wal_replay_lsn()'),
          ),
        );
        await sleep(lookEveryMs, undefined, { signal });
      }
    } catch {
      // Stopped, or a server is gone: whoever drives load over it tells why.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#watching;
    await Promise.allSettled([this.#primary.end(), this.#replica.end()]);
  }
}

async function connect(target: ConnectionTarget): Promise<Client> {
  const client = new Client({ ...target, application_name: 'pgrehearse observer' });
  // A connection that breaks while idle must not end the process; the next query tells.
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function positionOf(client: Client, place: string): Promise<WalPosition> {
  const { rows } = await client.query<{ lsn: number }>(
    `SELECT pg_wal_lsn_diff(${place}, '0/0')::double precision AS lsn`,
  );
  return { lsn: rows[0]!.lsn, atMs: Date.now() };
}

/** The figures of some looks; undefined where there is none. */
export function replicaLagOf(looks: readonly ReplicaLagLook[]): ReplicaLag | undefined {
  if (looks.length === 0) return undefined;
  const sorted = looks.map(({ lagMs }) => lagMs).toSorted((a, b) => a - b);
  const atShare = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  return {
    looks: looks.length,
    p50Ms: atShare(0.5),
    p95Ms: atShare(0.95),
    p99Ms: atShare(0.99),
    maxMs: sorted.at(-1)!,
    maxBytes: Math.max(...looks.map(({ lagBytes }) => lagBytes)),
  };
}
