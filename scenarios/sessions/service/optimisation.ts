/** What somebody might improve in the database. It only tells: the document's optimiser drops indexes that show no scan. */
import type { Database, Statement } from './database.ts';

const unusedIndexes: Statement = {
  name: 'unused_indexes',
  text: `
    SELECT s.indexrelname AS name, s.relname AS "table", pg_relation_size(s.indexrelid) AS bytes
      FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid)
     WHERE s.idx_scan = 0 AND NOT i.indisunique ORDER BY bytes DESC`,
};

/** As autovacuum counts, with half its default share, so that it shows before it starts. */
const deadRows: Statement = {
  name: 'dead_rows',
  text: `
    SELECT relname AS "table", n_dead_tup AS dead, n_live_tup AS live FROM pg_stat_user_tables
     WHERE n_dead_tup > 1000 AND n_dead_tup > 0.1 * n_live_tup ORDER BY n_dead_tup DESC`,
};

export interface Finding {
  finding: string;
  advice: string;
}

export async function optimisationReport(database: Database): Promise<Finding[]> {
  const indexes = await database.query<{ name: string; table: string; bytes: number }>(unusedIndexes);
  const tables = await database.query<{ table: string; dead: number; live: number }>(deadRows);
  return [
    ...indexes.map(({ name, table, bytes }) => ({
      finding: `No scan has used the index ${name} of ${table} (${bytes} bytes) since the statistics began.`,
      advice: 'Ask since when they count, and whether a replica or a monthly job uses it, before you drop it.',
    })),
    ...tables.map(({ table, dead, live }) => ({
      finding: `${table} has ${dead} dead rows beside ${live} live ones.`,
      advice: 'Let autovacuum come earlier: autovacuum_vacuum_scale_factor of this table.',
    })),
  ];
}
