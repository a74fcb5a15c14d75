-- pgrehearse: no-transaction
-- The posted lines from before the triggers of the last migration: their events, day by day, each day in a transaction of its
-- own that also notes it, so that a second attempt adds nothing twice. Totals take one statement: rows are locked for as long
-- as 5,000 rows take, after the sums are made.
CREATE TABLE daily_nets_copied (date date PRIMARY KEY);
CREATE PROCEDURE copy_daily_nets() LANGUAGE plpgsql AS $$
DECLARE
    day date;
BEGIN
    FOR day IN SELECT generate_series(min(date), max(date), INTERVAL '1 day')::date FROM journal_entries
               EXCEPT SELECT date FROM daily_nets_copied ORDER BY 1 LOOP
        INSERT INTO account_daily_nets AS d (account_id, date, net)
        SELECT v.account_id, day, sum(CASE v.event_type WHEN 'DEBIT' THEN v.amount ELSE -v.amount END)
          FROM journal_entries e JOIN account_balance_events v ON v.journal_entry_id = e.id
         WHERE e.date = day GROUP BY v.account_id ORDER BY v.account_id
            ON CONFLICT (account_id, date) DO UPDATE SET net = d.net + excluded.net;
        INSERT INTO daily_nets_copied VALUES (day);
        COMMIT;
    END LOOP;
END $$;
CALL copy_daily_nets();
DROP PROCEDURE copy_daily_nets();
DROP TABLE daily_nets_copied;

INSERT INTO account_totals AS t (account_id, net)
SELECT account_id, sum(CASE event_type WHEN 'DEBIT' THEN amount ELSE -amount END)
  FROM account_balance_events GROUP BY account_id ORDER BY account_id
    ON CONFLICT (account_id) DO UPDATE SET net = t.net + excluded.net;
VACUUM (ANALYZE) account_daily_nets, account_totals;
