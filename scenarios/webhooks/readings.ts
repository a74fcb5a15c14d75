/** Figures of the database after the load: sizes that the source document tells, how old its statistics are. */
import type { ReadingSpec } from 'pgrehearse';
import { stagesWithDailyTable } from './stages.ts';

/** Indexes of the document's list "0 scans", with the size that it gives. */
export const listedIndexes = {
  idx_events_transaction_hash: { megabytes: 425, line: 37 },
  delivery_attempts_pkey: { megabytes: 263, line: 38 },
  idx_delivery_attempts_attempted_at: { megabytes: 217, line: 39 },
  idx_events_ingested_block: { megabytes: 214, line: 40 },
  idx_events_block_number: { megabytes: 63, line: 41 },
  idx_delivery_attempts_success_duration: { megabytes: 51, line: 42 },
};

function aboutIndex(name: string): [string, ReadingSpec][] {
  const stages = ['before'];
  return [
    [
      `${name}_bytes`,
      { description: `Size of ${name}`, unit: 'bytes', stages, sql: `SELECT pg_relation_size('${name}')` },
    ],
    [
      `${name}_scans`,
      {
        description: `Scans of ${name}`,
        unit: 'count',
        stages,
        sql: `SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '${name}'`,
      },
    ],
  ];
}

export const readings: Record<string, ReadingSpec> = {
  unused_index_bytes: {
    description: 'Indexes that are not unique and were not scanned',
    unit: 'bytes',
    sql: `SELECT coalesce(sum(pg_relation_size(s.indexrelid)), 0)
            FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid)
           WHERE s.idx_scan = 0 AND NOT i.indisunique`,
  },
  recent_stats_age: {
    description: 'Age of user_recent_stats: the newest delivery minus the newest that it counts',
    unit: 's',
    stages: stagesWithDailyTable,
    sql: `SELECT extract(epoch FROM (SELECT max(attempted_at) FROM delivery_attempts) - max(as_of)) FROM user_recent_stats`,
  },
  daily_stats_missing: {
    description: 'Deliveries that user_daily_stats does not count yet',
    unit: 'rows',
    stages: stagesWithDailyTable,
    sql: 'SELECT (SELECT count(*) FROM delivery_attempts) - sum(delivery_count) FROM user_daily_stats',
  },
  ...Object.fromEntries(Object.keys(listedIndexes).flatMap((name) => aboutIndex(name))),
};
