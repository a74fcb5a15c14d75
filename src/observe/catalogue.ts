/** Tables and indexes as they are at the end of a load: names, sizes, what an index is for. */
import type { Client } from 'pg';

export interface TableFacts {
  key: string;
  table: string;
  deadRows: number;
}

export interface IndexFacts {
  key: string;
  table: string;
  index: string;
  bytes: number;
  constraint: boolean;
  coveredBy: string | null;
}

const tables = `
  SELECT relid::text AS key, relid::regclass::text AS table, n_dead_tup::int AS "deadRows"
    FROM pg_stat_user_tables WHERE schemaname <> 'pgrehearse'`;

// An index is covered by another of the same kind on the same table, with the same condition, whose first columns, operator classes,
// collations and directions are all of its own. Indexes on expressions are left out: their columns are not to be compared so.
const indexes = `
  WITH own AS (
    SELECT i.*, c.relam, string_to_array(i.indkey::text, ' ') AS keys, string_to_array(i.indclass::text, ' ') AS classes,
           string_to_array(i.indcollation::text, ' ') AS collations, string_to_array(i.indoption::text, ' ') AS options
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid)
  SELECT i.indexrelid::text AS key, i.indrelid::regclass::text AS table, i.indexrelid::regclass::text AS index,
         pg_relation_size(i.indexrelid)::float8 AS bytes,
         i.indisunique OR i.indisprimary OR i.indisexclusion
           OR EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid AND contype <> 'f') AS constraint,
         (SELECT o.indexrelid::regclass::text FROM own o
           WHERE o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid AND o.relam = i.relam
             AND i.indexprs IS NULL AND o.indexprs IS NULL AND o.indpred IS NOT DISTINCT FROM i.indpred
             AND i.indnatts = i.indnkeyatts AND o.keys[1:i.indnkeyatts] = i.keys AND o.classes[1:i.indnkeyatts] = i.classes
             AND o.collations[1:i.indnkeyatts] = i.collations AND o.options[1:i.indnkeyatts] = i.options
             AND (o.indnkeyatts > i.indnkeyatts OR o.indexrelid < i.indexrelid)
           ORDER BY o.indnkeyatts LIMIT 1) AS "coveredBy"
    FROM own i JOIN pg_stat_user_indexes s ON s.indexrelid = i.indexrelid WHERE s.schemaname <> 'pgrehearse'`;

export async function readTables(client: Client): Promise<TableFacts[]> {
  return (await client.query<TableFacts>(tables)).rows;
}

export async function readIndexes(client: Client): Promise<IndexFacts[]> {
  return (await client.query<IndexFacts>(indexes)).rows;
}
