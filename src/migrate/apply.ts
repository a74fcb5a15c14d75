/** Runs one migration file, with its bookkeeping. */
import { EnvironmentError } from '../errors.ts';
import type { MigrationRecord } from '../result.ts';
import {
  recordApplied,
  recordDuration,
  recordProgress,
  recordReverted,
  recordReverting,
  recordStart,
} from './bookkeeping.ts';
import { failureOf, OpenTransactionError } from './failure.ts';
import { scriptOf, type Migration } from './files.ts';
import type { Session } from './session.ts';
import type { SqlStatement } from '../sql.ts';

export type Direction = 'up' | 'down';

/** Told before and after each statement of a file, and its COMMIT (undefined). */
export type StatementWatch = (statement: SqlStatement | undefined, status: 'started' | 'finished') => void;

/**
 * Applies or reverts one migration.
 *
 * @param watch must not throw
 * @returns its record; the duration includes the COMMIT
 * @throws UsageError when the server refuses a statement, EnvironmentError when the server failed, the signal's reason
 */
export async function applyMigration(
  session: Session,
  migration: Migration,
  direction: Direction,
  watch: StatementWatch = () => {},
): Promise<MigrationRecord> {
  const script = scriptOf(migration, direction);
  await resetSession(session);
  const startedAt = performance.now();
  if (script.transactional) await runInTransaction(session, migration, direction, watch);
  else await runStepByStep(session, migration, direction, watch);
  const durationMs = performance.now() - startedAt;
  await resetSession(session);
  if (direction === 'up') await recordDuration(session, migration, durationMs);
  const { version, name, sha256 } = migration;
  return { version, name, sha256, durationMs, statements: script.statements.length };
}

/** What a file sets must not reach the next one: one at a time and all at once would give different schemas. */
async function resetSession(session: Session): Promise<void> {
  await session.query('RESET SESSION AUTHORIZATION');
  await session.query('RESET ROLE');
  await session.query('RESET ALL');
}

/** The bookkeeping comes first: the file may end as another role, which could not write it. */
async function runInTransaction(
  session: Session,
  migration: Migration,
  direction: Direction,
  watch: StatementWatch,
): Promise<void> {
  const { statements } = scriptOf(migration, direction);
  let done = 0;
  try {
    await session.query('BEGIN');
    if (direction === 'up') {
      await recordStart(session, migration);
      await recordApplied(session, migration);
    } else {
      await recordReverted(session, migration);
    }
    for (const statement of statements) {
      watch(statement, 'started');
      await session.execute(statement.text);
      watch(statement, 'finished');
      done += 1;
    }
    watch(undefined, 'started');
    await session.execute('COMMIT');
    watch(undefined, 'finished');
  } catch (error) {
    await session.rollback();
    if (session.aborted || error instanceof EnvironmentError) throw error;
    throw failureOf({ error, migration, direction, done, invalidIndexes: [] });
  }
}

async function runStepByStep(
  session: Session,
  migration: Migration,
  direction: Direction,
  watch: StatementWatch,
): Promise<void> {
  const { statements } = scriptOf(migration, direction);
  if (direction === 'up') await recordStart(session, migration);
  else await recordReverting(session, migration);
  let done = 0;
  try {
    for (const statement of statements) {
      watch(statement, 'started');
      await session.execute(statement.text);
      watch(statement, 'finished');
      done += 1;
      await recordProgress(session, migration, done);
    }
    if (session.inTransaction()) throw new OpenTransactionError();
  } catch (error) {
    await session.rollback();
    if (session.aborted || error instanceof EnvironmentError) throw error;
    const invalidIndexes = statements[done]?.kind === 'IndexStmt' ? await findInvalidIndexes(session) : [];
    throw failureOf({ error, migration, direction, done, invalidIndexes });
  }
  if (direction === 'up') await recordApplied(session, migration);
  else await recordReverted(session, migration);
}

/** What a failed CREATE INDEX CONCURRENTLY leaves behind. */
async function findInvalidIndexes(session: Session): Promise<string[]> {
  try {
    const rows = await session.query<{ name: string }>(
      `SELECT c.oid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE NOT i.indisvalid AND c.relkind = 'i' ORDER BY 1`,
    );
    return rows.map((row) => row.name);
  } catch {
    return [];
  }
}
