-- All posted lines become events, and nothing is in the roll-ups.
LOCK TABLE journal_entries, journal_entry_lines IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO account_balance_events (account_id, event_type, amount, journal_entry_id, created_at)
SELECT l.account_id, l.line_type, l.amount, l.journal_entry_id, l.created_at
  FROM journal_entries e JOIN journal_entry_lines l ON l.journal_entry_id = e.id
 WHERE e.status = 'Posted' AND NOT EXISTS (SELECT FROM account_balance_events v WHERE v.journal_entry_id = e.id);
TRUNCATE account_daily_nets, account_totals;
