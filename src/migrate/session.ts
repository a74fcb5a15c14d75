/** The one connection of a migration run: cancellable, and alone by an advisory lock. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { QueryResultRow } from 'pg';
import { cancelOnAbort } from '../database.ts';
import { EnvironmentError, messageOf } from '../errors.ts';
import type { ConnectionTarget } from '../server/server.ts';

/** A session on the database that is migrated. Disposing closes it, which also frees its locks. */
export interface Session extends AsyncDisposable {
  readonly database: string;
  /** True when the signal asked to stop: errors are then its consequence. */
  readonly aborted: boolean;
  /**
   * Sends one statement of a migration. An abort cancels it on the server.
   *
   * @throws the signal's reason after an abort; else what `pg` throws
   */
  execute(sql: string): Promise<void>;
  /**
   * Sends a query of our own: bookkeeping, lock, settings.
   *
   * @throws the signal's reason after an abort; else EnvironmentError
   */
  query<Row extends QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Ends an open transaction without success; never throws, since closing the session does the same. */
  rollback(): Promise<void>;
  /** True when a transaction is open (also one that failed). */
  inTransaction(): boolean;
}

/** Names the lock among all advisory locks of a database: "pgre" and "hear" as 32-bit numbers. */
const lockKey = [0x70677265, 0x68656172] as const;

const applicationName = 'pgrehearse migrate';

/**
 * @param lockWaitMs longest wait for a lock of the database's objects; default: as long as it takes
 * @throws EnvironmentError when the database cannot be reached
 */
export async function openSession(
  target: ConnectionTarget,
  signal?: AbortSignal,
  lockWaitMs?: number,
): Promise<Session> {
  const client = await connect(target, lockWaitMs);
  const cancelling = cancelOnAbort(target, client, signal);
  async function send<Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    signal?.throwIfAborted();
    try {
      return (await client.query<Row>(sql, values.length === 0 ? undefined : [...values])).rows;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }
  return {
    database: target.database,
    get aborted() {
      return signal?.aborted ?? false;
    },
    execute: async (sql) => void (await send(sql)),
    async query<Row extends QueryResultRow>(sql: string, values?: readonly unknown[]) {
      return send<Row>(sql, values).catch((error: unknown) => {
        throw signal?.aborted ? error : ownQueryFailed(target.database, error);
      });
    },
    rollback: () => client.query('ROLLBACK').then(ignore, ignore),
    inTransaction: () => client.getTransactionStatus() !== 'I',
    async [Symbol.asyncDispose]() {
      await cancelling[Symbol.asyncDispose]();
      await client.end().catch(ignore);
    },
  };
}

/**
 * Makes this session the only one that migrates the database.
 *
 * The lock is asked for again and again instead of waited for in the server: a waiting query holds a snapshot, and the
 * CREATE INDEX CONCURRENTLY of the session that has the lock would wait for that snapshot to end.
 *
 * @param onWait told once, with a description of the session that has the lock
 * @throws EnvironmentError when the lock is not free after `timeoutMs`
 */
export async function acquireLock(
  session: Session,
  timeoutMs: number,
  onWait?: (holder: string) => void,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let told = false;
  for (;;) {
    const [row] = await session.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS locked', lockKey);
    if (row!.locked) return;
    const holder = await describeHolder(session);
    if (!told) onWait?.(holder);
    told = true;
    if (performance.now() >= deadline) {
      throw new EnvironmentError(
        `Another migration of database "${session.database}" did not end within ${timeoutMs / 1000} s: ${holder}.`,
        { hint: 'Wait for it, or end it with SELECT pg_terminate_backend(<process>), and migrate again.' },
      );
    }
    await sleep(Math.min(200, Math.max(1, deadline - performance.now())));
  }
}

async function connect(target: ConnectionTarget, lockWaitMs = 0): Promise<Client> {
  // A migration takes as long as it takes: time limits that a role or a database has by default do not count for it.
  const options = `-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c lock_timeout=${lockWaitMs}`;
  const client = new Client({ ...target, application_name: applicationName, options });
  // A broken connection rejects the query under way or the next one; the event itself would end the process.
  client.on('error', ignore);
  try {
    await client.connect();
  } catch (error) {
    const place = `database "${target.database}" on ${target.host}, port ${target.port},`;
    throw new EnvironmentError(`The ${place} cannot be reached: ${messageOf(error)}.`, {
      hint: 'Check that the server runs and that the connection is right.',
      cause: error,
    });
  }
  return client;
}

function ownQueryFailed(database: string, error: unknown): EnvironmentError {
  return new EnvironmentError(`Database "${database}" refuses the bookkeeping of migrations: ${messageOf(error)}.`, {
    hint: 'Migrate as a role that may create and write the schema pgrehearse, on a server that accepts writes.',
    cause: error,
  });
}

async function describeHolder(session: Session): Promise<string> {
  const [holder] = await session.query<{ pid: number; name: string; seconds: number }>(
    `SELECT a.pid, a.application_name AS name, extract(epoch FROM now() - a.backend_start)::int AS seconds
       FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_database d ON d.oid = l.database
      WHERE l.locktype = 'advisory' AND l.classid = $1 AND l.objid = $2 AND l.granted AND d.datname = current_database()`,
    lockKey,
  );
  if (!holder) return 'its session has just ended';
  return `process ${holder.pid} ("${holder.name}"), connected for ${holder.seconds} s`;
}

function ignore(): void {}
