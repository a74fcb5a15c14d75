DROP TRIGGER journal_entries_posted ON journal_entries;
DROP FUNCTION post_pending_entry();
DROP TRIGGER journal_entry_lines_balances ON journal_entry_lines;
DROP FUNCTION add_lines_to_balances();
DROP TABLE account_totals, account_daily_nets;

CREATE TRIGGER journal_entry_lines_balance AFTER INSERT ON journal_entry_lines
    FOR EACH ROW EXECUTE FUNCTION add_line_to_balance();
CREATE TRIGGER journal_entry_lines_event AFTER INSERT ON journal_entry_lines
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_balance_events();

-- The events of what was posted meanwhile.
TRUNCATE account_balance_events;
INSERT INTO account_balance_events (account_id, event_type, amount, journal_entry_id, created_at)
SELECT l.account_id, l.line_type, l.amount, l.journal_entry_id, l.created_at
  FROM journal_entry_lines l JOIN journal_entries e ON e.id = l.journal_entry_id WHERE e.status = 'Posted';
