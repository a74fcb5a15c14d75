-- Phase 1 of the document: its six indexes, built without a lock against writers, and its two views with the column names that
-- PostgreSQL has (total_exec_time, relname, indexrelname). The second of the journal indexes is part of the first: it stays to
-- be measured.
CREATE INDEX CONCURRENTLY idx_journal_entries_date_source_status ON journal_entries (date, source, status) WHERE status = 'Posted';
CREATE INDEX CONCURRENTLY idx_journal_lines_account_type_journal ON journal_entry_lines (account_id, line_type, journal_entry_id);
CREATE INDEX CONCURRENTLY idx_anchor_auth_user_status_expires ON anchor_authorizations (user_address, status, expires_at);
CREATE INDEX CONCURRENTLY idx_event_correlations_type_system_time ON event_correlations (event_type, source_system, created_at);
CREATE INDEX CONCURRENTLY idx_journal_entries_posted_date ON journal_entries (date) WHERE status = 'Posted';
CREATE INDEX CONCURRENTLY idx_anchor_auth_active_user ON anchor_authorizations (user_address) WHERE status IN ('AUTHORIZED', 'PENDING');

CREATE VIEW v_index_usage AS
SELECT schemaname, relname, indexrelname, idx_scan, idx_tup_read, idx_tup_fetch
  FROM pg_stat_user_indexes ORDER BY idx_scan DESC;

-- The extension is an option, in whatever schema it is: without it there is no view of slow queries.
DO $$
DECLARE
    home text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements') THEN
        RETURN;
    END IF;
    CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    SELECT extnamespace::regnamespace::text INTO home FROM pg_extension WHERE extname = 'pg_stat_statements';
    EXECUTE format($view$
        CREATE VIEW v_slow_queries AS
        SELECT query, calls, total_exec_time, mean_exec_time, rows,
               100.0 * shared_blks_hit / nullif(shared_blks_hit + shared_blks_read, 0) AS hit_percent
          FROM %s.pg_stat_statements WHERE mean_exec_time > 50 ORDER BY mean_exec_time DESC
    $view$, home);
END $$;
