-- pgrehearse: no-transaction
-- Phase 2 of the document: events of balances, written beside the balances of the row trigger (its dual write), and views of
-- them. Changed: event_type is checked (the view takes all but 'DEBIT' for credits, so 'debit' too), the status stands in the
-- join (in WHERE, accounts with nothing but pending entries disappear), the index of types names the view that exists, and
-- the second view has the unique index that REFRESH CONCURRENTLY asks for. Lines that were there before the trigger are copied
-- day by day, each day in a transaction of its own.
CREATE TABLE account_balance_events (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id       integer NOT NULL REFERENCES accounts (id),
    event_type       varchar(20) NOT NULL CHECK (event_type IN ('DEBIT', 'CREDIT')),
    amount           numeric(19,4) NOT NULL,
    journal_entry_id uuid REFERENCES journal_entries (id),
    created_at       timestamptz DEFAULT CURRENT_TIMESTAMP
);

CREATE FUNCTION add_balance_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_balance_events (account_id, event_type, amount, journal_entry_id, created_at)
    SELECT n.account_id, n.line_type, n.amount, n.journal_entry_id, n.created_at
      FROM added n JOIN journal_entries e ON e.id = n.journal_entry_id WHERE e.status = 'Posted';
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entry_lines_event AFTER INSERT ON journal_entry_lines
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_balance_events();

-- A pending entry counts from the moment at which it is posted.
CREATE FUNCTION add_events_of_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_balance_events (account_id, event_type, amount, journal_entry_id, created_at)
    SELECT account_id, line_type, amount, journal_entry_id, created_at FROM journal_entry_lines WHERE journal_entry_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entries_posted_events AFTER UPDATE OF status ON journal_entries
    FOR EACH ROW WHEN (OLD.status = 'Pending' AND NEW.status = 'Posted') EXECUTE FUNCTION add_events_of_posted();

-- Lines and their events become visible together: an entry without events is one from before the triggers.
CREATE INDEX idx_account_balance_events_entry ON account_balance_events (journal_entry_id);
CREATE PROCEDURE copy_balance_events() LANGUAGE plpgsql AS $$
DECLARE
    day date;
BEGIN
    FOR day IN SELECT generate_series(min(date), max(date), INTERVAL '1 day')::date FROM journal_entries LOOP
        INSERT INTO account_balance_events (account_id, event_type, amount, journal_entry_id, created_at)
        SELECT l.account_id, l.line_type, l.amount, l.journal_entry_id, l.created_at
          FROM journal_entries e JOIN journal_entry_lines l ON l.journal_entry_id = e.id
         WHERE e.date = day AND e.status = 'Posted'
           AND NOT EXISTS (SELECT FROM account_balance_events v WHERE v.journal_entry_id = e.id);
        COMMIT;
    END LOOP;
END $$;
-- A day is few rows: nested loops, whatever the statistics of the table that fills up say.
SET enable_hashjoin = off;
SET enable_mergejoin = off;
CALL copy_balance_events();
RESET enable_hashjoin;
RESET enable_mergejoin;
DROP PROCEDURE copy_balance_events();
CREATE INDEX CONCURRENTLY idx_account_balance_events_account ON account_balance_events (account_id, created_at);

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

CREATE MATERIALIZED VIEW mv_account_balances_optimized AS
SELECT account_id, sum(CASE WHEN event_type = 'DEBIT' THEN amount ELSE -amount END) AS current_balance,
       count(*) AS transaction_count, max(created_at) AS last_update
  FROM account_balance_events GROUP BY account_id;
CREATE UNIQUE INDEX idx_mv_balances_optimized_account ON mv_account_balances_optimized (account_id);

CREATE FUNCTION get_account_balance_fast(account_id_param integer) RETURNS numeric(19,4) LANGUAGE plpgsql STABLE AS $$
DECLARE
    balance numeric(19,4);
BEGIN
    SELECT current_balance INTO balance FROM mv_account_balances_optimized WHERE account_id = account_id_param;
    RETURN coalesce(balance, 0);
END $$;
ANALYZE account_balance_events, mv_account_balances_current, mv_account_balances_optimized;
