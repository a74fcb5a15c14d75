-- One index in the order of a page of the journal search, in place of the two of the document that begin with the date, and
-- without the single columns of few values that no statement of the load asks for.
CREATE INDEX CONCURRENTLY idx_journal_entries_source_page ON journal_entries (source, date DESC, journal_id DESC) WHERE status = 'Posted';
DROP INDEX CONCURRENTLY idx_journal_entries_date_source_status;
DROP INDEX CONCURRENTLY idx_journal_entries_posted_date;
DROP INDEX CONCURRENTLY idx_journal_entries_source;
DROP INDEX CONCURRENTLY idx_journal_entries_status;
DROP INDEX CONCURRENTLY idx_journal_entry_lines_line_type;
DROP INDEX CONCURRENTLY idx_journal_entry_lines_account_id;  -- a prefix of idx_journal_lines_account_type_journal
DROP INDEX CONCURRENTLY idx_event_correlations_event_id;     -- repeats the unique key
CREATE INDEX CONCURRENTLY idx_anchor_fulfillments_authorization ON anchor_fulfillments (authorization_id);
