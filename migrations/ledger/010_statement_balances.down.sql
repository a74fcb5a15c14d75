-- The events of what was posted meanwhile, and the triggers that wrote them.
LOCK TABLE journal_entries, journal_entry_lines IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO account_balance_events (account_id, event_type, amount, journal_entry_id, created_at)
SELECT l.account_id, l.line_type, l.amount, l.journal_entry_id, l.created_at
  FROM journal_entries e JOIN journal_entry_lines l ON l.journal_entry_id = e.id
 WHERE e.status = 'Posted' AND NOT EXISTS (SELECT FROM account_balance_events v WHERE v.journal_entry_id = e.id);

DROP TRIGGER journal_entries_posted ON journal_entries;
DROP FUNCTION post_pending_entry();
DROP TRIGGER journal_entry_lines_balances ON journal_entry_lines;
DROP FUNCTION add_lines_to_balances();
DROP TABLE account_totals, account_daily_nets;
CREATE OR REPLACE FUNCTION add_entry_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal_entry_keys SELECT id, journal_id, date FROM added;
    RETURN NULL;
END $$;
ALTER TABLE journal_entry_keys DROP COLUMN posted;

CREATE TRIGGER journal_entry_lines_balance AFTER INSERT ON journal_entry_lines
    FOR EACH ROW EXECUTE FUNCTION add_line_to_balance();
CREATE TRIGGER journal_entry_lines_event AFTER INSERT ON journal_entry_lines
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_balance_events();
CREATE TRIGGER journal_entries_posted_events AFTER UPDATE OF status ON journal_entries
    FOR EACH ROW WHEN (OLD.status = 'Pending' AND NEW.status = 'Posted') EXECUTE FUNCTION add_events_of_posted();
