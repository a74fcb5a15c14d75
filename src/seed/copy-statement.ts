/** The COPY statement, and what the server says when it refuses the rows. */
import { DatabaseError } from 'pg';
import { EnvironmentError, UsageError, messageOf } from '../errors.ts';
import { quoteIdentifier } from '../sql.ts';
import type { TableColumn } from './row-encoder.ts';

/** @param sqlName quoted and qualified table */
export function copyStatement(sqlName: string, columns: readonly TableColumn[], options = ''): string {
  const names = columns.map(({ column }) => quoteIdentifier(column)).join(', ');
  return `COPY ${sqlName} (${names}) FROM STDIN (FORMAT binary${options})`;
}

/** SQLSTATE classes of a server that is ending, out of disk or memory, or broken: no fault of the rows. */
const notTheRows = /^(08|53|57|58|XX)/;

/** The server's refusal, with row and column as far as it tells them ("COPY events, line 3, column data"). */
export function copyFault(table: string, error: unknown): Error {
  if (!(error instanceof DatabaseError) || notTheRows.test(error.code ?? '')) {
    return new EnvironmentError(`Table ${table} could not be loaded: ${messageOf(error)}.`, { cause: error });
  }
  const [, line, column] = /line (\d+)(?:, column ([^:,]+))?/.exec(error.where ?? '') ?? [];
  const place =
    line === undefined ? '' : `, row ${Number(line) - 1}${column === undefined ? '' : `, column ${column}`}`;
  return new UsageError(`The server refused the rows of table ${table}${place}: ${error.message}.`, {
    hint: error.detail ?? 'Correct the generator of that column in the seed definition.',
    cause: error,
  });
}
