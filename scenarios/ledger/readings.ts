import type { ReadingSpec } from 'pgrehearse';

const stages = ['balances', 'partitions', 'months'];

/** What the document does not tell: how far its materialised balances are behind the books, after the load. */
export const readings: Record<string, ReadingSpec> = {
  balances_behind: {
    description: 'Materialised balances: age of the newest event that they count, against the newest event',
    sql: `SELECT extract(epoch FROM (SELECT max(created_at) FROM account_balance_events)
                                  - (SELECT max(last_update) FROM mv_account_balances_optimized))`,
    unit: 's',
    stages,
  },
  balances_wrong: {
    description: 'Accounts whose materialised balance differs from their posted lines',
    sql: `SELECT count(*)
            FROM mv_account_balances_optimized b
            FULL JOIN (SELECT account_id, sum(CASE event_type WHEN 'DEBIT' THEN amount ELSE -amount END) AS total
                         FROM account_balance_events GROUP BY account_id) AS v USING (account_id)
           WHERE b.current_balance IS DISTINCT FROM v.total`,
    unit: 'count',
    stages,
  },
};
