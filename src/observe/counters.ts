/**
 * The counters that are read before and after a load, in one table: what is asked, from which major version on, and how rows of the
 * two snapshots find each other. (PostgreSQL documentation, chapter "The Cumulative Statistics System", of 15 to 18.)
 */
import type { Client } from 'pg';

/** A row of a snapshot: a key, and numbers. */
export interface CounterRow {
  key: string;
  [counter: string]: string | number;
}

/** One statistics view. */
interface CounterSource {
  /** First major version that has it. */
  since: number;
  /** What is missing where it is not there. */
  gap: string;
  sql: string;
}

export const sources = {
  tables: {
    since: 15,
    gap: 'access to tables',
    sql: `SELECT relid::text AS key, seq_scan AS "seqScans", seq_tup_read AS "seqRows", coalesce(idx_scan, 0) AS "indexScans",
                 n_tup_ins AS inserted, n_tup_upd AS updated, n_tup_hot_upd AS "hotUpdated", n_tup_del AS deleted,
                 autovacuum_count AS autovacuums FROM pg_stat_user_tables WHERE schemaname <> 'pgrehearse'`,
  },
  indexes: {
    since: 15,
    gap: 'use of indexes',
    sql: `SELECT indexrelid::text AS key, idx_scan AS scans, idx_tup_read AS "entriesRead" FROM pg_stat_user_indexes
           WHERE schemaname <> 'pgrehearse'`,
  },
  database: {
    since: 15,
    gap: 'cache, temporary files and deadlocks',
    sql: `SELECT datname AS key, blks_hit AS "blocksHit", blks_read AS "blocksRead", temp_files AS "tempFiles",
                 temp_bytes AS "tempBytes", deadlocks FROM pg_stat_database WHERE datname = current_database()`,
  },
  wal: {
    since: 15,
    gap: 'write-ahead log',
    sql: `SELECT 'wal' AS key, wal_records AS records, wal_fpi AS "fullPageImages", wal_bytes AS bytes FROM pg_stat_wal`,
  },
  io: {
    since: 16,
    gap: 'I/O by actor (pg_stat_io)',
    sql: `SELECT backend_type AS key, sum(reads) AS reads, sum(writes) AS writes, sum(extends) AS extends, sum(fsyncs) AS fsyncs
            FROM pg_stat_io WHERE object = 'relation' GROUP BY backend_type`,
  },
} as const satisfies Record<string, CounterSource>;

export type SourceName = keyof typeof sources;

/** All views at one moment. */
export type Snapshot = ReadonlyMap<SourceName, readonly CounterRow[]>;

/** Reads every view that this version has. A column that it lacks is an error, never a zero. */
export async function readCounters(client: Client, major: number): Promise<Snapshot> {
  const snapshot = new Map<SourceName, CounterRow[]>();
  for (const [name, { since, sql }] of Object.entries(sources) as [SourceName, CounterSource][]) {
    if (major < since) continue;
    // bigint and numeric come as text.
    const { rows } = await client.query<Record<string, string | number | null>>(sql);
    snapshot.set(name, rows.map(asNumbers));
  }
  return snapshot;
}

function asNumbers(row: Record<string, string | number | null>): CounterRow {
  const counters = Object.entries(row).filter(([name]) => name !== 'key');
  return Object.assign(
    { key: String(row['key']) },
    Object.fromEntries(counters.map(([name, value]) => [name, Number(value)])),
  );
}

/** What happened between two snapshots, row by row; rows that are new count from zero. */
export function differences(before: Snapshot, after: Snapshot, name: SourceName): CounterRow[] {
  const earlier = new Map((before.get(name) ?? []).map((row) => [row.key, row]));
  return (after.get(name) ?? []).map((row) => {
    const counters = Object.entries(row).filter(([counter]) => counter !== 'key');
    const changed = counters.map(([counter, value]) => [
      counter,
      Math.max(0, Number(value) - Number(earlier.get(row.key)?.[counter] ?? 0)),
    ]);
    return Object.assign({ key: row.key }, Object.fromEntries(changed));
  });
}

/** What a version does not tell. */
export function gapsOf(major: number): string[] {
  return Object.values<CounterSource>(sources).flatMap(({ since, gap }) =>
    major < since ? [`${gap}: from PostgreSQL ${since} on`] : [],
  );
}
