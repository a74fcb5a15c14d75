import type { InvariantSpec } from 'pgrehearse';

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
};
