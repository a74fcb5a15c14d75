/** Tells a failed migration: which, why, where in the file, what is left behind, what to do. */
import { DatabaseError } from 'pg';
import { EnvironmentError, messageOf, UsageError } from '../errors.ts';
import type { PgrehearseError } from '../errors.ts';
import type { SqlStatement } from '../sql.ts';
import { characterOffset, faultAt } from '../sql.ts';
import { scriptOf, type Migration } from './files.ts';
import type { MigrationScript } from './script.ts';

/** A file that began a transaction and did not end it. */
export class OpenTransactionError extends Error {
  constructor() {
    super('the file leaves a transaction open');
  }
}

/** How far a file came. */
export interface Failure {
  error: unknown;
  migration: Migration;
  direction: 'up' | 'down';
  /** Statements that ended with success before the error. */
  done: number;
  invalidIndexes: readonly string[];
}

/** The error to throw for a migration that failed; exit code 2 when the file is at fault, 5 when the server is. */
export function failureOf(failure: Failure): PgrehearseError {
  const { error, migration, direction, done } = failure;
  const script = scriptOf(migration, direction);
  const code = error instanceof DatabaseError ? error.code : undefined;
  const statement = script.statements[done];
  const step = statement ? `at statement ${done + 1} of ${script.statements.length}` : 'at its end';
  const cause = code === undefined ? messageOf(error) : `${messageOf(error)} (SQLSTATE ${code})`;
  const headline = `Migration ${migration.version}_${migration.name} failed ${step} (${direction}): ${cause}.`;
  const message = [headline, ...placeOf(script, statement, error), ...notesOf(error)].join('\n');
  const details = { cause: error, hint: hintFor(failure, code) };
  return isFaultOfFile(error) ? new UsageError(message, details) : new EnvironmentError(message, details);
}

/**
 * What to do about a file that is no single transaction and stopped half-way.
 *
 * @param indexes names of indexes that are invalid, as a failed CREATE INDEX CONCURRENTLY leaves them
 */
export function adviceForUnfinished(version: string, name: string, indexes: readonly string[] = []): string {
  const drop = indexes.length > 0 ? ` (drop the invalid ${indexes.join(', ')} first)` : '';
  return (
    `Migrate down to the version before ${version}, which runs the down file of ${version}_${name}${drop}; or put the database back ` +
    `by hand and DELETE FROM pgrehearse.migrations WHERE version = '${version}'.`
  );
}

/** The line of the file with a marker; without a position of the server's, where the statement begins. */
function placeOf(script: MigrationScript, statement: SqlStatement | undefined, error: unknown): string[] {
  if (!statement) return [script.path];
  const position = Number((error as Partial<DatabaseError>).position ?? 1);
  const offset = statement.offset + characterOffset(statement.text, position - 1);
  const { line, excerpt } = faultAt(script.text, offset, '');
  return [`${script.path}:${line}`, excerpt];
}

/** What else the server said, with the query inside a function where the error is there. */
function notesOf(error: unknown): string[] {
  if (!(error instanceof DatabaseError)) return [];
  const notes: string[] = [];
  if (error.detail) notes.push(`detail: ${error.detail}`);
  if (error.hint) notes.push(`server's hint: ${error.hint}`);
  if (error.internalQuery) {
    const offset = characterOffset(error.internalQuery, Number(error.internalPosition ?? 1) - 1);
    const { line, excerpt } = faultAt(error.internalQuery, offset, '');
    notes.push(`in this query, line ${line}:`, excerpt);
  }
  if (error.where) notes.push(`context: ${error.where}`);
  return notes;
}

/** SQLSTATE classes that speak of the server's state and not of the statement (appendix A of PostgreSQL's manual). */
const environmentClasses = new Set(['08', '53', '57', '58', 'XX']);

function isFaultOfFile(error: unknown): boolean {
  if (error instanceof OpenTransactionError) return true;
  const code = error instanceof DatabaseError ? error.code : undefined;
  return code !== undefined && !environmentClasses.has(code.slice(0, 2));
}

function hintFor(failure: Failure, code: string | undefined): string {
  const { error, migration, direction, done, invalidIndexes } = failure;
  const script = scriptOf(migration, direction);
  if (!script.transactional) {
    const kept = done === 0 ? '' : `What its first ${done === 1 ? 'statement' : `${done} statements`} did stays. `;
    return kept + adviceForUnfinished(migration.version, migration.name, invalidIndexes);
  }
  // active_sql_transaction, invalid_transaction_termination: what only the server can see.
  if (code === '25001' || code === '2D000') {
    return 'Write "-- pgrehearse: no-transaction" at the top of the file, so that it runs statement by statement.';
  }
  if (!isFaultOfFile(error)) return 'Nothing of the file stays: migrate again when the server is well.';
  return 'The file was rolled back as a whole: correct it and migrate again.';
}
