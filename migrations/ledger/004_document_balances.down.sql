DROP FUNCTION get_account_balance_fast(integer);
DROP MATERIALIZED VIEW mv_account_balances_optimized, mv_account_balances_current;
DROP TRIGGER journal_entries_posted_events ON journal_entries;
DROP FUNCTION add_events_of_posted();
DROP TRIGGER journal_entry_lines_event ON journal_entry_lines;
DROP FUNCTION add_balance_events();
DROP TABLE account_balance_events;
