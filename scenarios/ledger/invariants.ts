import type { InvariantSpec } from 'pgrehearse';

const signed = `CASE line_type WHEN 'DEBIT' THEN amount ELSE -amount END`;

/**
 * The books balance: each is one pass over its tables. Joins are of whole sums, sorted by them where there is a LIMIT: the planner
 * else expects to be done after a few rows, and loops over a table without an index for each of them when all is in order.
 */
export const invariants: Record<string, InvariantSpec> = {
  entries_balance: {
    description: 'Debits and credits of every entry are equal; it has two lines or more, numbered from 1',
    sql: `SELECT journal_entry_id, sum(${signed}) AS difference, count(*) AS lines FROM journal_entry_lines
           GROUP BY journal_entry_id
          HAVING sum(${signed}) <> 0 OR count(*) < 2 OR max(line_number) <> count(*) LIMIT 5`,
  },
  entries_have_lines: {
    description: 'Every entry has lines',
    sql: `SELECT e.id FROM journal_entries e
           WHERE NOT EXISTS (SELECT FROM journal_entry_lines l WHERE l.journal_entry_id = e.id) LIMIT 5`,
  },
  obligations_add_up: {
    description: 'Obligations are the sums of units by type and status',
    sql: `SELECT o.anchor_type FROM anchor_obligations o
            LEFT JOIN (SELECT anchor_type, sum(units) AS authorized,
                              coalesce(sum(units) FILTER (WHERE status = 'FULFILLED'), 0) AS fulfilled,
                              coalesce(sum(units) FILTER (WHERE status = 'EXPIRED'), 0) AS expired
                         FROM anchor_authorizations GROUP BY anchor_type) AS a USING (anchor_type)
           WHERE (o.total_authorized, o.total_fulfilled, o.total_expired)
                 IS DISTINCT FROM (coalesce(a.authorized, 0), coalesce(a.fulfilled, 0), coalesce(a.expired, 0))`,
  },
  fulfilled_once: {
    description: 'Each fulfilled authorization has one fulfilment, and no other has any',
    sql: `SELECT a.id, coalesce(f.fulfilments, 0) AS fulfilments
            FROM anchor_authorizations a
            LEFT JOIN (SELECT authorization_id, count(*) AS fulfilments FROM anchor_fulfillments GROUP BY authorization_id) AS f
                   ON f.authorization_id = a.id
           WHERE coalesce(f.fulfilments, 0) <> (a.status = 'FULFILLED')::integer ORDER BY 2, 1 LIMIT 5`,
  },
  one_audit_row: {
    description: 'Each entry has one audit row of its creation',
    sql: `SELECT e.id, a.audits
            FROM journal_entries e
            LEFT JOIN (SELECT entity_id, count(*) AS audits FROM audit_log
                        WHERE entity_type = 'journal_entry' AND action = 'CREATE' GROUP BY entity_id) AS a ON a.entity_id = e.id::text
           WHERE a.audits IS DISTINCT FROM 1 ORDER BY 2, 1 LIMIT 5`,
  },
  numbers_unique: {
    description: 'Numbers of entries and events of authorizations are unique, across partitions too',
    sql: `(SELECT journal_id AS number FROM journal_entries GROUP BY journal_id HAVING count(*) > 1 LIMIT 5)
          UNION ALL
          (SELECT event_id FROM anchor_authorizations GROUP BY event_id HAVING count(*) > 1 LIMIT 5)`,
  },
  balances_are_sums: {
    description: "Every account's balance is the sum of its lines",
    sql: `SELECT account_id, b.current_balance, l.total
            FROM account_balances b
            FULL JOIN (SELECT account_id, sum(${signed}) AS total FROM journal_entry_lines GROUP BY account_id) AS l USING (account_id)
           WHERE coalesce(b.current_balance, 0) <> coalesce(l.total, 0) LIMIT 5`,
  },
  keys_are_entries: {
    description: 'Each entry of a month has its key and each key its entry; no entry is outside of the months',
    stages: ['partitions', 'months', 'after'],
    sql: `(SELECT coalesce(e.id, k.id) AS id FROM journal_entries e
             FULL JOIN journal_entry_keys k ON k.id = e.id AND k.journal_id = e.journal_id AND k.date = e.date
            WHERE e.id IS NULL OR k.id IS NULL LIMIT 5)
          UNION ALL (SELECT id FROM journal_entries_default LIMIT 5)`,
  },
  keys_know_status: {
    description: 'Keys tell which entries are posted',
    stages: ['after'],
    sql: `SELECT e.id, e.status, k.posted FROM journal_entries e JOIN journal_entry_keys k ON k.id = e.id
           WHERE k.posted <> (e.status = 'Posted') ORDER BY 3, 1 LIMIT 5`,
  },
  events_are_lines: {
    description: 'Dual write: the events of each account are as many as its posted lines, and add up to the same',
    stages: ['balances', 'partitions', 'months'],
    sql: `SELECT account_id, v.events, l.lines, v.total AS events_total, l.total AS lines_total
            FROM (SELECT account_id, count(*) AS events, sum(CASE event_type WHEN 'DEBIT' THEN amount ELSE -amount END) AS total
                    FROM account_balance_events GROUP BY account_id) AS v
            FULL JOIN (SELECT account_id, count(*) AS lines, sum(${signed}) AS total
                         FROM journal_entry_lines n JOIN journal_entries e ON e.id = n.journal_entry_id
                        WHERE e.status = 'Posted' GROUP BY account_id) AS l USING (account_id)
           WHERE (v.events, v.total) IS DISTINCT FROM (l.lines, l.total) LIMIT 5`,
  },
  totals_are_sums: {
    description: 'Totals and daily nets are the sums of the posted lines',
    stages: ['after'],
    sql: `SELECT account_id, t.net, d.total, l.total
            FROM account_totals t
            FULL JOIN (SELECT account_id, sum(net) AS total FROM account_daily_nets GROUP BY account_id) AS d USING (account_id)
            FULL JOIN (SELECT account_id, sum(${signed}) AS total
                         FROM journal_entry_lines n JOIN journal_entries e ON e.id = n.journal_entry_id
                        WHERE e.status = 'Posted' GROUP BY account_id) AS l USING (account_id)
           WHERE (t.net, d.total) IS DISTINCT FROM (l.total, l.total) LIMIT 5`,
  },
};
