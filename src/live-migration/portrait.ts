/** What a database is after a migration, so that two ways to it can be compared: schema, bookkeeping, leftovers, rows. */
import { withClient } from '../database.ts';
import { describeSchema } from '../migrate/round-trip.ts';
import { quoteIdentifier } from '../sql.ts';
import type { ConnectionTarget } from '../server/server.ts';

/** Sets of lines; a difference is a line that one of two has. */
export interface Portrait {
  /** Schema, invalid indexes and constraints that nobody validated included. */
  schema: string[];
  /** Version, state and checksum of every migration. */
  versions: string[];
  /** Rows and checksum of each table. */
  rows: string[];
}

/**
 * @param leaveOut columns whose values are of the clock or chance, as `table.column`
 */
export async function portraitOf(connection: ConnectionTarget, leaveOut: ReadonlySet<string>): Promise<Portrait> {
  return {
    schema: await describeSchema(connection),
    versions: await versionsOf(connection),
    rows: await checksums(connection, leaveOut),
  };
}

/** Every line that only one of the two has. */
export function differences(expected: readonly string[], found: readonly string[]): string[] {
  return [
    ...expected.filter((line) => !found.includes(line)).map((line) => `missing: ${line}`),
    ...found.filter((line) => !expected.includes(line)).map((line) => `extra: ${line}`),
  ];
}

async function versionsOf(connection: ConnectionTarget): Promise<string[]> {
  return withClient(connection, async (client) => {
    const { rows } = await client.query<{ line: string }>(
      `SELECT format('%s_%s %s, %s', version, name, state, sha256) AS line FROM pgrehearse.migrations ORDER BY 1`,
    );
    return rows.map(({ line }) => line);
  });
}

interface TableColumns {
  /** As SQL writes it. */
  table: string;
  columns: string[];
}

const tablesQuery = `
  SELECT c.oid::regclass::text AS table, array_agg(a.attname::text ORDER BY a.attname) AS columns
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
   WHERE c.relkind IN ('r', 'm') AND a.attnum > 0 AND NOT a.attisdropped
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pgrehearse') AND n.nspname NOT LIKE 'pg_toast%'
   GROUP BY c.oid ORDER BY 1`;

/** A sum of hashes does not depend on the order of the rows, and sees one that is lost or doubled. */
const sumOf = (expression: string): string => `coalesce(sum(hashtextextended(${expression}, 0)::numeric), 0)`;

async function checksums(connection: ConnectionTarget, leaveOut: ReadonlySet<string>): Promise<string[]> {
  return withClient(connection, async (client) => {
    const { rows: tables } = await client.query<TableColumns>(tablesQuery);
    const lines: string[] = [];
    for (const { table, columns } of tables) {
      const kept = columns.filter((column) => !leaveOut.has(`${table}.${column}`)).map(quoteIdentifier);
      const { rows } = await client.query<{ line: string }>(
        `SELECT format('%s rows, checksum %s', count(*), ${sumOf(`ROW(${kept.join(', ')})::text`)}) AS line FROM ${table}`,
      );
      lines.push(`${table}: ${rows[0]!.line}`);
    }
    return lines;
  });
}

/** Checksum of each column, by `table.column`. */
export async function columnChecksums(connection: ConnectionTarget): Promise<Map<string, string>> {
  return withClient(connection, async (client) => {
    const { rows: tables } = await client.query<TableColumns>(tablesQuery);
    const sums = new Map<string, string>();
    for (const { table, columns } of tables) {
      const list = columns.map((column) => `${sumOf(`${quoteIdentifier(column)}::text`)}::text`);
      const { rows } = await client.query<{ sums: string[] }>(`SELECT ARRAY[${list.join(', ')}] AS sums FROM ${table}`);
      columns.forEach((column, at) => sums.set(`${table}.${column}`, rows[0]!.sums[at]!));
    }
    return sums;
  });
}

/** Columns that differ between two migrations which nobody disturbed: their values are of the clock or chance. */
export function columnsThatDiffer(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): Set<string> {
  return new Set([...a.keys()].filter((column) => a.get(column) !== b.get(column)));
}
