import type { InvariantSpec } from 'pgrehearse';

const signed = `CASE line_type WHEN 'DEBIT' THEN amount ELSE -amount END`;

/** The books balance: each is one pass over its tables. */
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
    sql: `SELECT a.id, count(f.id) FROM anchor_authorizations a LEFT JOIN anchor_fulfillments f ON f.authorization_id = a.id
           GROUP BY a.id, a.status HAVING count(f.id) <> (a.status = 'FULFILLED')::integer LIMIT 5`,
  },
  balances_are_sums: {
    description: "Every account's balance is the sum of its lines",
    sql: `SELECT account_id, b.current_balance, l.total
            FROM account_balances b
            FULL JOIN (SELECT account_id, sum(${signed}) AS total FROM journal_entry_lines GROUP BY account_id) AS l USING (account_id)
           WHERE coalesce(b.current_balance, 0) <> coalesce(l.total, 0) LIMIT 5`,
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
