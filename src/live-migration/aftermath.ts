/** What a migration leaves in the database that somebody has to clean up. */
import { withClient } from '../database.ts';
import type { ConnectionTarget } from '../server/server.ts';

export interface Aftermath {
  invalidIndexes: string[];
  unvalidatedConstraints: string[];
}

const leftovers = `
  SELECT ARRAY(SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                WHERE NOT i.indisvalid AND c.relkind = 'i' ORDER BY 1) AS "invalidIndexes",
         ARRAY(SELECT conrelid::regclass || '.' || conname FROM pg_constraint
                WHERE NOT convalidated ORDER BY 1) AS "unvalidatedConstraints"`;

export async function aftermathOf(connection: ConnectionTarget): Promise<Aftermath> {
  return withClient(connection, async (client) => (await client.query<Aftermath>(leftovers)).rows[0]!);
}

/** Of the names given, those that are tables with rows to lock; without names, all of them. */
export async function tablesAmong(
  connection: ConnectionTarget,
  names: readonly string[] | undefined,
): Promise<string[]> {
  return withClient(connection, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE ($1::text[] IS NULL OR relname = ANY ($1)) AND relkind = 'r' AND relnamespace = 'public'::regnamespace`,
      [names ?? null],
    );
    return rows.map(({ name }) => name);
  });
}

/** Bytes of write-ahead log since the server's beginning. */
export async function walPosition(connection: ConnectionTarget): Promise<number> {
  return withClient(connection, async (client) => {
    const { rows } = await client.query<{ bytes: string }>(
      "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS bytes",
    );
    return Number(rows[0]!.bytes);
  });
}
