-- What writers hold while they hold the row of a busy account: the statement that changes balances comes last, and the commit
-- follows without another round trip. Arguments are those of the statements that it replaces.
CREATE FUNCTION post_entry(entry_id uuid, journal_number text, entry_source text, entry_status text, accounts integer[],
                           kinds text[], amounts numeric[], posted_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal_entries (id, journal_id, date, description, source, status, created_at, created_by)
    VALUES (entry_id, journal_number, (posted_at AT TIME ZONE 'UTC')::date, 'Posted under load', entry_source, entry_status,
            posted_at, 'load');
    INSERT INTO audit_log (event_type, entity_type, entity_id, action, new_values, created_at)
    VALUES ('JOURNAL', 'journal_entry', entry_id::text, 'CREATE', jsonb_build_object('journal_id', journal_number), posted_at);
    INSERT INTO journal_entry_lines (journal_entry_id, account_id, line_type, amount, line_number, created_at)
    SELECT entry_id, account, kind, amount, number, posted_at
      FROM unnest(accounts, kinds, amounts) WITH ORDINALITY AS line (account, kind, amount, number);
END $$;
