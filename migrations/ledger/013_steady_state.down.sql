CREATE INDEX CONCURRENTLY idx_anchor_auth_user_status_expires ON anchor_authorizations (user_address, status, expires_at);
CREATE INDEX CONCURRENTLY idx_anchor_auth_active_user ON anchor_authorizations (user_address) WHERE status IN ('AUTHORIZED', 'PENDING');
DROP INDEX CONCURRENTLY idx_anchor_auth_open_page;
DROP INDEX CONCURRENTLY idx_anchor_fulfillments_authorization;
CREATE INDEX CONCURRENTLY idx_event_correlations_event_id ON event_correlations (event_id);
CREATE INDEX CONCURRENTLY idx_journal_entry_lines_account_id ON journal_entry_lines (account_id);
CREATE INDEX CONCURRENTLY idx_journal_entry_lines_line_type ON journal_entry_lines (line_type);
CREATE INDEX idx_journal_entries_status ON journal_entries (status);
CREATE INDEX idx_journal_entries_source ON journal_entries (source);
-- Before the partial one, so that the indexes of the months get the names that they had.
CREATE INDEX idx_journal_entries_date ON journal_entries (date);
CREATE INDEX idx_journal_entries_posted_date ON journal_entries (date) WHERE status = 'Posted';
CREATE INDEX idx_journal_entries_date_source_status ON journal_entries (date, source, status) WHERE status = 'Posted';
DROP INDEX idx_journal_entries_source_page;
