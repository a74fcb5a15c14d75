DROP MATERIALIZED VIEW mv_account_balances_current_by_month;
ALTER TABLE account_balance_events DROP CONSTRAINT account_balance_events_entry_key_fkey;
ALTER TABLE journal_entry_lines DROP CONSTRAINT journal_entry_lines_entry_key_fkey;
DROP TRIGGER journal_entries_carried ON journal_entries;
DROP FUNCTION carry_entry_to_month();
DROP TABLE journal_entries_by_month, journal_entry_keys;
DROP FUNCTION refuse_new_keys(), remove_entry_keys(), add_entry_keys();
DROP FUNCTION ensure_monthly_partitions(text, date, date, regclass), create_monthly_partition(text, date);
