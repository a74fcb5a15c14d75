/** Which of the workload's migrations the database has: the service runs on the first as on the last, and its statements follow. */
import type { Database } from './database.ts';

export interface Schema {
  /** The same for all who are connected to this database, another for each copy of it. */
  databaseId: string;
  /** Migration 002: a nonce notes when it was consumed, a block may run out. */
  hasColumns: boolean;
  /** Migration 004 and 005: telemetry by month, and the function that makes months ahead. */
  hasPartitions: boolean;
  /** Migration 006: the calls of a wallet in order, from an index. Without it two ordered walks would be two sorts. */
  hasOrderedCalls: boolean;
}

const question = {
  name: 'schema',
  text: `
    SELECT (SELECT concat_ws('-', system_identifier, current_setting('port'), oid)
              FROM pg_control_system(), pg_database WHERE datname = current_database()) AS "databaseId",
           EXISTS (SELECT 1 FROM pg_attribute
                    WHERE attrelid = 'nonces'::regclass AND attname = 'consumed_at' AND NOT attisdropped) AS "hasColumns",
           to_regprocedure('create_future_partitions(timestamp, integer)') IS NOT NULL AS "hasPartitions",
           to_regclass('idx_sessions_a_started') IS NOT NULL AS "hasOrderedCalls"`,
};

/** Asked once, when the service starts: a migration that changes the answer needs a new start, as it needs a new version elsewhere. */
export async function readSchema(database: Database): Promise<Schema> {
  const [schema] = await database.query<Schema>(question);
  return schema!;
}
