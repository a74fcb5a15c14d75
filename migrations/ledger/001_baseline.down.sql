DROP VIEW v_journal_details, v_anchor_obligations, v_account_balances;
DROP TABLE health_checks, audit_log, event_correlations, anchor_obligations, anchor_fulfillments, anchor_authorizations,
           account_balances, journal_entry_lines, journal_entries, accounts;
DROP FUNCTION touch_updated_at(), add_to_obligations(), check_entry_balances(), add_line_to_balance();
