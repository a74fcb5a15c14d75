-- One table again, and beside it the one by month, as the migration before left them. Writers wait.
LOCK TABLE journal_entries IN ACCESS EXCLUSIVE MODE;
DROP VIEW v_journal_details;
DROP TRIGGER journal_entries_posted_events ON journal_entries;
ALTER MATERIALIZED VIEW mv_account_balances_current RENAME TO mv_account_balances_current_by_month;
ALTER INDEX idx_mv_balances_account RENAME TO idx_mv_balances_by_month_account;
ALTER INDEX idx_mv_balances_type RENAME TO idx_mv_balances_by_month_type;
ALTER INDEX idx_mv_balances_updated RENAME TO idx_mv_balances_by_month_updated;
ALTER INDEX idx_journal_entries_date RENAME TO idx_journal_entries_by_month_date;
ALTER INDEX idx_journal_entries_source RENAME TO idx_journal_entries_by_month_source;
ALTER INDEX idx_journal_entries_event_id RENAME TO idx_journal_entries_by_month_event_id;
ALTER INDEX idx_journal_entries_status RENAME TO idx_journal_entries_by_month_status;
ALTER INDEX idx_journal_entries_created_at RENAME TO idx_journal_entries_by_month_created_at;
ALTER INDEX idx_journal_entries_date_source_status RENAME TO idx_journal_entries_by_month_date_source_status;
ALTER INDEX idx_journal_entries_posted_date RENAME TO idx_journal_entries_by_month_posted_date;
ALTER INDEX journal_entries_pkey RENAME TO journal_entries_by_month_pkey;
ALTER TABLE journal_entries RENAME TO journal_entries_by_month;

CREATE TABLE journal_entries (LIKE journal_entries_by_month INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO journal_entries SELECT * FROM journal_entries_by_month ORDER BY created_at;
ALTER TABLE journal_entries ADD PRIMARY KEY (id);
ALTER TABLE journal_entries ADD UNIQUE (journal_id);
CREATE INDEX idx_journal_entries_date ON journal_entries (date);
CREATE INDEX idx_journal_entries_source ON journal_entries (source);
CREATE INDEX idx_journal_entries_event_id ON journal_entries (event_id);
CREATE INDEX idx_journal_entries_status ON journal_entries (status);
CREATE INDEX idx_journal_entries_created_at ON journal_entries (created_at);
CREATE INDEX idx_journal_entries_date_source_status ON journal_entries (date, source, status) WHERE status = 'Posted';
CREATE INDEX idx_journal_entries_posted_date ON journal_entries (date) WHERE status = 'Posted';
ALTER TABLE journal_entry_lines ADD FOREIGN KEY (journal_entry_id) REFERENCES journal_entries (id) ON DELETE CASCADE;
ALTER TABLE account_balance_events ADD FOREIGN KEY (journal_entry_id) REFERENCES journal_entries (id);

CREATE FUNCTION carry_entry_to_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal_entries_by_month SELECT NEW.*
        ON CONFLICT (id, date) DO UPDATE
       SET description = excluded.description, source = excluded.source, status = excluded.status, tx_hash = excluded.tx_hash,
           block_number = excluded.block_number, chain_confirmations = excluded.chain_confirmations,
           event_id = excluded.event_id, attestation_hash = excluded.attestation_hash, created_by = excluded.created_by;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entries_carried AFTER INSERT OR UPDATE ON journal_entries
    FOR EACH ROW EXECUTE FUNCTION carry_entry_to_month();

CREATE OR REPLACE FUNCTION add_balance_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_balance_events (account_id, event_type, amount, journal_entry_id, created_at)
    SELECT n.account_id, n.line_type, n.amount, n.journal_entry_id, n.created_at
      FROM added n JOIN journal_entries e ON e.id = n.journal_entry_id WHERE e.status = 'Posted';
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entries_posted_events AFTER UPDATE OF status ON journal_entries
    FOR EACH ROW WHEN (OLD.status = 'Pending' AND NEW.status = 'Posted') EXECUTE FUNCTION add_events_of_posted();

CREATE MATERIALIZED VIEW mv_account_balances_current AS
SELECT a.id, a.name, a.type,
       coalesce(sum(CASE WHEN e.id IS NULL THEN 0 WHEN l.line_type = 'DEBIT' THEN l.amount ELSE -l.amount END), 0) AS current_balance,
       max(e.created_at) AS last_transaction_at
  FROM accounts a LEFT JOIN journal_entry_lines l ON l.account_id = a.id
  LEFT JOIN journal_entries e ON e.id = l.journal_entry_id AND e.status = 'Posted'
 GROUP BY a.id, a.name, a.type;
CREATE UNIQUE INDEX idx_mv_balances_account ON mv_account_balances_current (id);
CREATE INDEX idx_mv_balances_type ON mv_account_balances_current (type);
CREATE INDEX idx_mv_balances_updated ON mv_account_balances_current (last_transaction_at);

CREATE VIEW v_journal_details AS
SELECT e.id, e.journal_id, e.date, e.description, e.source, e.status, l.line_number, l.line_type, l.amount,
       a.id AS account_id, a.name AS account_name
  FROM journal_entries e JOIN journal_entry_lines l ON l.journal_entry_id = e.id JOIN accounts a ON a.id = l.account_id
 ORDER BY e.date DESC;
ANALYZE journal_entries;
