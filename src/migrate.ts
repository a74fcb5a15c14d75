/** Migrations: pair up and down files, checksum, lock, up, down, status, verify. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { UsageError } from './errors.ts';
import { applyMigration, type StatementWatch } from './migrate/apply.ts';
import { createBookkeeping, readBookkeeping } from './migrate/bookkeeping.ts';
import { scriptOf, type Migration } from './migrate/files.ts';
import { compareState, planDown, planUp, refuseFaults } from './migrate/plan.ts';
import type { MigrationStatus } from './migrate/plan.ts';
import { acquireLock, openSession, type Session } from './migrate/session.ts';
import { compareVersions, isVersion, versionKey } from './migrate/versions.ts';
import type { MigrationRecord } from './result.ts';
import type { ConnectionTarget } from './server/server.ts';

export { readMigrations } from './migrate/files.ts';
export type { Migration } from './migrate/files.ts';
export type { MigrationStatus } from './migrate/plan.ts';

/** What a migration run tells while it works. */
export type MigrationEvent =
  | { status: 'waiting'; holder: string }
  | { status: 'started'; migration: Migration; direction: 'up' | 'down'; index: number; total: number }
  | { status: 'retrying'; migration: Migration; attempt: number }
  | { status: 'finished'; record: MigrationRecord; direction: 'up' | 'down'; index: number; total: number };

/** The advice of every careful team: a short lock_timeout, and another attempt. */
export interface LockWait {
  timeoutMs: number;
  /** Attempts for each file, the first included. Files that are no single transaction get one. */
  attempts: number;
  /** Pause before the next attempt. */
  pauseMs: number;
}

export interface MigrateOptions {
  /** Default `up`. */
  direction?: 'up' | 'down';
  /**
   * The version to arrive at, by its number ("3" is "003"). Up: this one included, default all. Down: this one stays, and
   * a version of zero ("000") means that nothing stays; required.
   */
  to?: string;
  signal?: AbortSignal;
  onMigration?: (event: MigrationEvent) => void;
  /** Told before and after each statement of each file (undefined: its COMMIT). */
  onStatement?: (migration: Migration, ...told: Parameters<StatementWatch>) => void;
  /** A wait for a lock that ends, so that nobody queues behind it for long; default: it waits as long as it takes. */
  lockWait?: LockWait;
  /** How long to wait while another session migrates the same database. Default 60,000. */
  lockTimeoutMs?: number;
}

/**
 * Brings a database up or down to a version, one transaction a file except where a statement forbids it.
 *
 * Nothing is applied before the files and the database are known to agree. Returns what was done, in its order.
 *
 * @throws UsageError for an unknown version, a changed or missing applied file, or a statement that the server refuses;
 *   EnvironmentError when the server fails or another migration keeps the lock; the signal's reason after an abort
 */
export async function migrate(
  connection: ConnectionTarget,
  migrations: readonly Migration[],
  options: MigrateOptions = {},
): Promise<MigrationRecord[]> {
  const { direction = 'up', signal, onMigration, lockTimeoutMs = 60_000, lockWait } = options;
  const target = findTarget(migrations, direction, options.to);
  await using session = await openSession(connection, signal, lockWait?.timeoutMs);
  await acquireLock(session, lockTimeoutMs, (holder) => onMigration?.({ status: 'waiting', holder }));
  await createBookkeeping(session);
  const rows = await readBookkeeping(session);
  const plan = direction === 'up' ? planUp(migrations, rows, target) : planDown(migrations, rows, target ?? '0');
  const records: MigrationRecord[] = [];
  for (const [index, migration] of plan.entries()) {
    const step = { direction, index, total: plan.length };
    onMigration?.({ status: 'started', migration, ...step });
    const record = await applyPatiently(session, migration, direction, options);
    records.push(record);
    onMigration?.({ status: 'finished', record, ...step });
  }
  return records;
}

/** Tries a file again when a lock was not to be had in time: its transaction is rolled back by then, so nothing is half-done. */
async function applyPatiently(
  session: Session,
  migration: Migration,
  direction: 'up' | 'down',
  { lockWait, onMigration, onStatement, signal }: MigrateOptions,
): Promise<MigrationRecord> {
  const attempts = scriptOf(migration, direction).transactional ? (lockWait?.attempts ?? 1) : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return await applyMigration(session, migration, direction, (...told) => onStatement?.(migration, ...told));
    } catch (error) {
      if (attempt >= attempts || !isLockTimeout(error)) throw error;
      onMigration?.({ status: 'retrying', migration, attempt });
      await sleep(lockWait!.pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** SQLSTATE 55P03, lock_not_available. */
function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof DatabaseError && error.cause.code === '55P03';
}

/** Every migration that the files or the database know, in ascending order. Writes nothing. */
export async function status(
  connection: ConnectionTarget,
  migrations: readonly Migration[],
): Promise<MigrationStatus[]> {
  await using session = await openSession(connection);
  return compareState(migrations, await readBookkeeping(session));
}

/**
 * Checks that what is applied is what the files say. Writes nothing.
 *
 * @throws UsageError that names every changed, missing, unfinished or overtaken migration
 */
export async function verify(connection: ConnectionTarget, migrations: readonly Migration[]): Promise<void> {
  await using session = await openSession(connection);
  refuseFaults(migrations, await readBookkeeping(session), 'up');
}

/** The version to arrive at, checked against the files; undefined means all of them. */
function findTarget(migrations: readonly Migration[], direction: 'up' | 'down', to?: string): string | undefined {
  const known = migrations.map((migration) => migration.version);
  const hint = `The known versions are ${known.join(', ')}${direction === 'down' ? ', and 000 for none' : ''}.`;
  if (to === undefined && direction === 'down') {
    throw new UsageError('Migrating down needs the version to arrive at.', { hint });
  }
  if (to === undefined) return undefined;
  const found = isVersion(to) ? known.find((version) => compareVersions(version, to) === 0) : undefined;
  if (direction === 'down' && found === undefined && isVersion(to) && versionKey(to) === '0') return '0';
  if (found === undefined) throw new UsageError(`There is no migration with version "${to}".`, { hint });
  return found;
}
