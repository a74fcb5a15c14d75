-- The extension stays: it may have been there before.
DROP VIEW IF EXISTS v_slow_queries;
DROP VIEW v_index_usage;
DROP INDEX CONCURRENTLY idx_anchor_auth_active_user;
DROP INDEX CONCURRENTLY idx_journal_entries_posted_date;
DROP INDEX CONCURRENTLY idx_event_correlations_type_system_time;
DROP INDEX CONCURRENTLY idx_anchor_auth_user_status_expires;
DROP INDEX CONCURRENTLY idx_journal_lines_account_type_journal;
DROP INDEX CONCURRENTLY idx_journal_entries_date_source_status;
