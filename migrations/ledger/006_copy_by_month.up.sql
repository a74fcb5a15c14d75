-- pgrehearse: no-transaction
-- Phase 3 of the document: journal entries by month. Its form is refused, since PARTITION OF takes no ordinary table. Here a
-- partitioned table is filled beside the old one: a trigger carries what is written meanwhile, a procedure copies day by day,
-- each day in a transaction of its own, and the next migration swaps the two.
--
-- Keys of a partitioned table must hold the date: id and journal_id would be unique within a month only, and no foreign key
-- could name an entry by its id, as those of lines and of the events of phase 2 do. So a table of keys keeps both
-- unique, is what foreign keys point at, and tells the month of an entry to who knows its id or number.
CREATE TABLE journal_entry_keys (
    id         uuid PRIMARY KEY,
    journal_id varchar(100) NOT NULL UNIQUE,
    date       date NOT NULL
);

CREATE TABLE journal_entries_by_month (LIKE journal_entries INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (date);
ALTER TABLE journal_entries_by_month ADD PRIMARY KEY (id, date);
CREATE INDEX idx_journal_entries_by_month_date ON journal_entries_by_month (date);
CREATE INDEX idx_journal_entries_by_month_source ON journal_entries_by_month (source);
CREATE INDEX idx_journal_entries_by_month_event_id ON journal_entries_by_month (event_id);
CREATE INDEX idx_journal_entries_by_month_status ON journal_entries_by_month (status);
CREATE INDEX idx_journal_entries_by_month_created_at ON journal_entries_by_month (created_at);
CREATE INDEX idx_journal_entries_by_month_date_source_status ON journal_entries_by_month (date, source, status) WHERE status = 'Posted';
CREATE INDEX idx_journal_entries_by_month_posted_date ON journal_entries_by_month (date) WHERE status = 'Posted';
-- For dates that no month takes. It should stay empty: a month whose rows are in here already cannot be attached.
CREATE TABLE journal_entries_default PARTITION OF journal_entries_by_month DEFAULT;

-- The document's function. It fails when the partition exists, takes the 15th for the start of a month, and locks out readers
-- and writers of the whole table.
CREATE FUNCTION create_monthly_partition(table_name text, start_date date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition_name text := table_name || '_' || to_char(start_date, 'YYYY_MM');
    end_date       date := start_date + INTERVAL '1 month';
BEGIN
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', partition_name, table_name, start_date, end_date);
END $$;

-- Every month from the first day's to the last day's that is missing. ATTACH lets readers and writers of the other months go on.
-- parent: the partitioned table, while it has another name than the one that its partitions are called after.
CREATE FUNCTION ensure_monthly_partitions(table_name text, first_day date, last_day date, parent regclass DEFAULT NULL)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    target  CONSTANT regclass := coalesce(parent, table_name::regclass);
    month   date;
    name    text;
    created integer := 0;
BEGIN
    FOR month IN SELECT generate_series(date_trunc('month', first_day::timestamp), last_day::timestamp, INTERVAL '1 month')::date LOOP
        name := table_name || to_char(month, '"_"YYYY_MM');
        CONTINUE WHEN to_regclass(quote_ident(name)) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, target);
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       target, name, month, (month + INTERVAL '1 month')::date);
        created := created + 1;
    END LOOP;
    RETURN created;
END $$;
SELECT ensure_monthly_partitions('journal_entries', min(date), (max(date) + INTERVAL '1 month')::date, 'journal_entries_by_month')
  FROM journal_entries;

CREATE FUNCTION add_entry_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal_entry_keys SELECT id, journal_id, date FROM added;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entries_key_added AFTER INSERT ON journal_entries_by_month
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_entry_keys();
CREATE FUNCTION remove_entry_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM journal_entry_keys k USING removed r WHERE k.id = r.id;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entries_key_removed AFTER DELETE ON journal_entries_by_month
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION remove_entry_keys();
CREATE FUNCTION refuse_new_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'id, journal_id and date of entry % cannot change: journal_entry_keys has them', OLD.id;
END $$;
CREATE TRIGGER journal_entries_key_kept BEFORE UPDATE ON journal_entries_by_month
    FOR EACH ROW WHEN ((OLD.id, OLD.journal_id, OLD.date) IS DISTINCT FROM (NEW.id, NEW.journal_id, NEW.date))
    EXECUTE FUNCTION refuse_new_keys();

-- Entries are not deleted; if one is meanwhile, the swap finds the numbers of rows unequal.
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

CREATE PROCEDURE copy_entries_by_month() LANGUAGE plpgsql AS $$
DECLARE
    day date;
BEGIN
    FOR day IN SELECT generate_series(min(date), max(date), INTERVAL '1 day')::date FROM journal_entries LOOP
        INSERT INTO journal_entries_by_month SELECT * FROM journal_entries WHERE date = day ORDER BY created_at
            ON CONFLICT (id, date) DO NOTHING;
        COMMIT;
    END LOOP;
END $$;
CALL copy_entries_by_month();
DROP PROCEDURE copy_entries_by_month();

ALTER TABLE journal_entry_lines ADD CONSTRAINT journal_entry_lines_entry_key_fkey
    FOREIGN KEY (journal_entry_id) REFERENCES journal_entry_keys (id) ON DELETE CASCADE NOT VALID;
ALTER TABLE journal_entry_lines VALIDATE CONSTRAINT journal_entry_lines_entry_key_fkey;
ALTER TABLE account_balance_events ADD CONSTRAINT account_balance_events_entry_key_fkey
    FOREIGN KEY (journal_entry_id) REFERENCES journal_entry_keys (id) NOT VALID;
ALTER TABLE account_balance_events VALIDATE CONSTRAINT account_balance_events_entry_key_fkey;

CREATE MATERIALIZED VIEW mv_account_balances_current_by_month AS
SELECT a.id, a.name, a.type,
       coalesce(sum(CASE WHEN e.id IS NULL THEN 0 WHEN l.line_type = 'DEBIT' THEN l.amount ELSE -l.amount END), 0) AS current_balance,
       max(e.created_at) AS last_transaction_at
  FROM accounts a LEFT JOIN journal_entry_lines l ON l.account_id = a.id
  LEFT JOIN journal_entries_by_month e ON e.id = l.journal_entry_id AND e.status = 'Posted'
 GROUP BY a.id, a.name, a.type;
CREATE UNIQUE INDEX idx_mv_balances_by_month_account ON mv_account_balances_current_by_month (id);
CREATE INDEX idx_mv_balances_by_month_type ON mv_account_balances_current_by_month (type);
CREATE INDEX idx_mv_balances_by_month_updated ON mv_account_balances_current_by_month (last_transaction_at);
VACUUM (ANALYZE) journal_entries_by_month, journal_entry_keys;
