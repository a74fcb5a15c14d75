/** What the indexes of a stage come to. A partition's index counts by itself; keys enforce something, scanned or not. */
import type { ReadingSpec } from 'pgrehearse';

const unused = `FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid)
                WHERE s.schemaname = 'public' AND s.idx_scan = 0 AND NOT i.indisunique`;

export const readings: Record<string, ReadingSpec> = {
  indexes: {
    description: 'Indexes',
    sql: `SELECT count(*) FROM pg_stat_user_indexes WHERE schemaname = 'public'`,
    unit: 'count',
  },
  unused_indexes: {
    description: 'Indexes, other than keys, that nothing has scanned: no transaction, job or check',
    sql: `SELECT count(*) ${unused}`,
    unit: 'count',
  },
  unused_index_bytes: {
    description: 'Size of the indexes that nothing has scanned',
    sql: `SELECT coalesce(sum(pg_relation_size(s.indexrelid)), 0) ${unused}`,
    unit: 'bytes',
  },
};
