-- The partitioned table takes the place of the old one, which has the same rows: a matter of milliseconds but for counting them.
-- Index builds and checks of foreign keys are done. What follows from here on knows the month of an entry.
LOCK TABLE journal_entries, journal_entries_by_month IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF (SELECT count(*) FROM journal_entries) <> (SELECT count(*) FROM journal_entries_by_month) THEN
        RAISE EXCEPTION 'journal_entries_by_month has not the rows of journal_entries'
            USING HINT = 'Take back migration 006 and apply it again.';
    END IF;
    IF EXISTS (SELECT FROM journal_entries_default) THEN
        RAISE EXCEPTION 'some entries fit no month';
    END IF;
END $$;

DROP VIEW v_journal_details;
DROP MATERIALIZED VIEW mv_account_balances_current;
ALTER TABLE journal_entry_lines DROP CONSTRAINT journal_entry_lines_journal_entry_id_fkey;
ALTER TABLE account_balance_events DROP CONSTRAINT account_balance_events_journal_entry_id_fkey;
DROP TABLE journal_entries;
DROP FUNCTION carry_entry_to_month();

ALTER TABLE journal_entries_by_month RENAME TO journal_entries;
ALTER INDEX journal_entries_by_month_pkey RENAME TO journal_entries_pkey;
ALTER INDEX idx_journal_entries_by_month_date RENAME TO idx_journal_entries_date;
ALTER INDEX idx_journal_entries_by_month_source RENAME TO idx_journal_entries_source;
ALTER INDEX idx_journal_entries_by_month_event_id RENAME TO idx_journal_entries_event_id;
ALTER INDEX idx_journal_entries_by_month_status RENAME TO idx_journal_entries_status;
ALTER INDEX idx_journal_entries_by_month_created_at RENAME TO idx_journal_entries_created_at;
ALTER INDEX idx_journal_entries_by_month_date_source_status RENAME TO idx_journal_entries_date_source_status;
ALTER INDEX idx_journal_entries_by_month_posted_date RENAME TO idx_journal_entries_posted_date;
ALTER MATERIALIZED VIEW mv_account_balances_current_by_month RENAME TO mv_account_balances_current;
ALTER INDEX idx_mv_balances_by_month_account RENAME TO idx_mv_balances_account;
ALTER INDEX idx_mv_balances_by_month_type RENAME TO idx_mv_balances_type;
ALTER INDEX idx_mv_balances_by_month_updated RENAME TO idx_mv_balances_updated;

CREATE VIEW v_journal_details AS
SELECT e.id, e.journal_id, e.date, e.description, e.source, e.status, l.line_number, l.line_type, l.amount,
       a.id AS account_id, a.name AS account_name
  FROM journal_entries e JOIN journal_entry_lines l ON l.journal_entry_id = e.id JOIN accounts a ON a.id = l.account_id
 ORDER BY e.date DESC;

CREATE OR REPLACE FUNCTION add_balance_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_balance_events (account_id, event_type, amount, journal_entry_id, created_at)
    SELECT n.account_id, n.line_type, n.amount, n.journal_entry_id, n.created_at
      FROM added n JOIN journal_entry_keys k ON k.id = n.journal_entry_id
      JOIN journal_entries e ON e.id = k.id AND e.date = k.date
     WHERE e.status = 'Posted';
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entries_posted_events AFTER UPDATE OF status ON journal_entries
    FOR EACH ROW WHEN (OLD.status = 'Pending' AND NEW.status = 'Posted') EXECUTE FUNCTION add_events_of_posted();
