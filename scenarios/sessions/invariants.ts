import type { InvariantSpec } from 'pgrehearse';

const withColumns = ['indexes', 'partitions', 'monitoring', 'lean', 'after'];
const withPartitions = withColumns.slice(1);

/** What is true of the data in every stage, before and after load. */
export const invariants: Record<string, InvariantSpec> = {
  calls_make_sense: {
    description: 'Nobody calls himself, no call ends before it starts, and a call that ended has a reason',
    sql: `SELECT id, a_addr, b_addr, started_at, ended_at, reason_end FROM sessions
           WHERE a_addr = b_addr OR ended_at < started_at OR (ended_at IS NULL) <> (reason_end IS NULL) LIMIT 5`,
  },
  reported_means_a_report: {
    description: 'A call is marked as reported exactly when there is a report about it',
    sql: `SELECT coalesce(s.id, r.session_id) AS session_id, s.reported
            FROM (SELECT id, reported FROM sessions WHERE reported) AS s
            FULL JOIN (SELECT DISTINCT session_id FROM reports) AS r ON r.session_id = s.id
           WHERE s.id IS NULL OR r.session_id IS NULL LIMIT 5`,
  },
  nobody_blocks_himself: {
    description: 'Nobody blocks his own wallet',
    sql: 'SELECT blocker_addr FROM blocks WHERE blocker_addr = blocked_addr LIMIT 5',
  },
  nonces_are_consumed_in_time: {
    description: 'A nonce has an instant of consumption only if it was consumed, within its five minutes',
    stages: withColumns,
    sql: `SELECT address, nonce, consumed, consumed_at, expires_at FROM nonces
           WHERE consumed_at IS NOT NULL
             AND (NOT consumed OR consumed_at > expires_at OR consumed_at < expires_at - INTERVAL '5 minutes') LIMIT 5`,
  },
  durations_follow: {
    description: 'duration_seconds and created_date are what started_at and ended_at say',
    stages: withColumns,
    sql: `SELECT id, started_at, ended_at, duration_seconds, created_date FROM sessions
           WHERE created_date IS DISTINCT FROM started_at::date
              OR duration_seconds IS DISTINCT FROM round(extract(epoch FROM ended_at - started_at))::integer LIMIT 5`,
  },
  every_event_has_its_month: {
    description: 'No telemetry event is left to the default partition (bounds of the others are kept by PostgreSQL)',
    stages: withPartitions,
    sql: 'SELECT id, ts FROM telemetry_events_default LIMIT 5',
  },
  event_ids_are_unique: {
    description: 'No telemetry id is taken twice, though the key of a partitioned table cannot promise it',
    stages: withPartitions,
    sql: 'SELECT id, count(*) FROM telemetry_events GROUP BY id HAVING count(*) > 1 LIMIT 5',
  },
};
