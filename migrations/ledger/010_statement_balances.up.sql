-- Balances and roll-ups kept once for each statement, accounts in order, so that writers queue and never deadlock; always
-- fresh, where a materialised view is as old as its refresh. The events of migration 004 are no longer written: they are the
-- posted lines from before this migration, which the next one adds.
DROP TRIGGER journal_entry_lines_balance ON journal_entry_lines;
DROP TRIGGER journal_entry_lines_event ON journal_entry_lines;
DROP TRIGGER journal_entries_posted_events ON journal_entries;

-- Whether an entry is posted stands beside its key: triggers need not look into the months for it. The plan of a trigger is kept by its
-- session, and one that was made while the newest month was empty reads ever more of it as it fills.
ALTER TABLE journal_entry_keys ADD COLUMN posted boolean NOT NULL DEFAULT true;
ALTER TABLE journal_entry_keys ALTER COLUMN posted DROP DEFAULT;
UPDATE journal_entry_keys k SET posted = false FROM journal_entries e WHERE e.status <> 'Posted' AND k.id = e.id;
CREATE OR REPLACE FUNCTION add_entry_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal_entry_keys (id, journal_id, date, posted) SELECT id, journal_id, date, status = 'Posted' FROM added;
    RETURN NULL;
END $$;

-- Posted lines only, as the history and the trial balance count them.
CREATE TABLE account_daily_nets (
    account_id integer NOT NULL,
    date       date NOT NULL,
    net        numeric(19,4) NOT NULL,
    PRIMARY KEY (account_id, date)
) WITH (fillfactor = 80);
CREATE TABLE account_totals (
    account_id integer PRIMARY KEY,
    net        numeric(19,4) NOT NULL
) WITH (fillfactor = 50);

CREATE FUNCTION add_lines_to_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_balances AS b (account_id, current_balance, last_updated)
    SELECT account_id, sum(CASE line_type WHEN 'DEBIT' THEN amount ELSE -amount END), max(created_at)
      FROM added GROUP BY account_id ORDER BY account_id
        ON CONFLICT (account_id) DO UPDATE
       SET current_balance = b.current_balance + excluded.current_balance, last_updated = excluded.last_updated;

    INSERT INTO account_totals AS t (account_id, net)
    SELECT n.account_id, sum(CASE n.line_type WHEN 'DEBIT' THEN n.amount ELSE -n.amount END)
      FROM added n JOIN journal_entry_keys k ON k.id = n.journal_entry_id
     WHERE k.posted GROUP BY n.account_id ORDER BY n.account_id
        ON CONFLICT (account_id) DO UPDATE SET net = t.net + excluded.net;

    INSERT INTO account_daily_nets AS d (account_id, date, net)
    SELECT n.account_id, k.date, sum(CASE n.line_type WHEN 'DEBIT' THEN n.amount ELSE -n.amount END)
      FROM added n JOIN journal_entry_keys k ON k.id = n.journal_entry_id
     WHERE k.posted GROUP BY n.account_id, k.date ORDER BY n.account_id, k.date
        ON CONFLICT (account_id, date) DO UPDATE SET net = d.net + excluded.net;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entry_lines_balances AFTER INSERT ON journal_entry_lines
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_lines_to_balances();

-- A pending entry counts from the moment at which it is posted. What is posted keeps its status and date: roll-ups would be wrong.
CREATE FUNCTION post_pending_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'Posted' OR OLD.date IS DISTINCT FROM NEW.date THEN
        RAISE EXCEPTION 'entry % cannot change: account_totals and account_daily_nets would be wrong', OLD.id
            USING HINT = 'Post a correcting entry.';
    END IF;
    UPDATE journal_entry_keys SET posted = true WHERE id = NEW.id;
    INSERT INTO account_totals AS t (account_id, net)
    SELECT account_id, sum(CASE line_type WHEN 'DEBIT' THEN amount ELSE -amount END)
      FROM journal_entry_lines WHERE journal_entry_id = NEW.id GROUP BY account_id ORDER BY account_id
        ON CONFLICT (account_id) DO UPDATE SET net = t.net + excluded.net;
    INSERT INTO account_daily_nets AS d (account_id, date, net)
    SELECT account_id, NEW.date, sum(CASE line_type WHEN 'DEBIT' THEN amount ELSE -amount END)
      FROM journal_entry_lines WHERE journal_entry_id = NEW.id GROUP BY account_id ORDER BY account_id
        ON CONFLICT (account_id, date) DO UPDATE SET net = d.net + excluded.net;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entries_posted AFTER UPDATE OF status, date ON journal_entries
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.date IS DISTINCT FROM NEW.date)
    EXECUTE FUNCTION post_pending_entry();
