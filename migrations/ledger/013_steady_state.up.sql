-- pgrehearse: no-transaction
-- One index in the order of a page of the journal search, in place of the two of the document that begin with the date, and
-- without the single columns of few values that no statement of the load asks for. A partitioned index cannot be built
-- CONCURRENTLY: each month gets its own, committed by itself, so that writers wait for the build of their month only.
CREATE INDEX idx_journal_entries_source_page ON ONLY journal_entries (source, date DESC, journal_id DESC) WHERE status = 'Posted';
CREATE PROCEDURE build_source_pages() LANGUAGE plpgsql AS $$
DECLARE
    month regclass;
BEGIN
    FOR month IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'journal_entries'::regclass ORDER BY 1 LOOP
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %s (source, date DESC, journal_id DESC) WHERE status = ''Posted''',
                       month || '_source_page', month);
        EXECUTE format('ALTER INDEX idx_journal_entries_source_page ATTACH PARTITION %I', month || '_source_page');
        COMMIT;
    END LOOP;
END $$;
CALL build_source_pages();
DROP PROCEDURE build_source_pages();
-- Months are found by pruning. While a month is young the planner expects fewer rows than a page has; with this index it then reads the
-- months before by date, and to sort them reads every row of the source in the young month too.
DROP INDEX idx_journal_entries_date;
DROP INDEX idx_journal_entries_date_source_status;
DROP INDEX idx_journal_entries_posted_date;
DROP INDEX idx_journal_entries_source;
DROP INDEX idx_journal_entries_status;
DROP INDEX CONCURRENTLY idx_journal_entry_lines_line_type;
DROP INDEX CONCURRENTLY idx_journal_entry_lines_account_id;  -- a prefix of idx_journal_lines_account_type_journal
DROP INDEX CONCURRENTLY idx_event_correlations_event_id;     -- repeats the unique key
CREATE INDEX CONCURRENTLY idx_anchor_fulfillments_authorization ON anchor_fulfillments (authorization_id);
-- A page of a user's open authorizations from the index alone, in place of the two that find them without their order.
CREATE INDEX CONCURRENTLY idx_anchor_auth_open_page ON anchor_authorizations (user_address, expires_at, event_id)
    INCLUDE (anchor_type, units) WHERE status IN ('AUTHORIZED', 'PENDING');
DROP INDEX CONCURRENTLY idx_anchor_auth_active_user;
DROP INDEX CONCURRENTLY idx_anchor_auth_user_status_expires;
