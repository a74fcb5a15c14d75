-- The document's third file: telemetry by month. Its own form cannot work: it partitions by a generated date, which PostgreSQL refuses;
-- it copies into the new table before that has a partition; it copies the last 30 days only and leaves the rest in *_old; it gives
-- the new table no primary key; and its CREATE INDEX IF NOT EXISTS finds the names taken by the renamed table, so the new
-- one gets no index and nobody is told. CONCURRENTLY on a partitioned table is refused as well.
--
-- Here: range partitions on ts itself, for all months that have rows and three more; every row is copied and counted; the key
-- is (id, ts), since a unique key must hold the partition key. Writers wait until the end of this transaction.
LOCK TABLE telemetry_events IN ACCESS EXCLUSIVE MODE;
ALTER TABLE telemetry_events RENAME TO telemetry_events_old;

CREATE TABLE telemetry_events (
    id      integer NOT NULL DEFAULT nextval('telemetry_events_id_seq'),
    address varchar(42),
    type    varchar(100),
    payload jsonb,
    ts      timestamp NOT NULL DEFAULT now()
) PARTITION BY RANGE (ts);
ALTER SEQUENCE telemetry_events_id_seq OWNED BY telemetry_events.id;

-- For rows that no month takes. It should stay empty: a partition whose rows are in here already cannot be created.
CREATE TABLE telemetry_events_default PARTITION OF telemetry_events DEFAULT;

CREATE FUNCTION create_monthly_partition(month timestamp) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first_day CONSTANT timestamp := date_trunc('month', month);
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF telemetry_events FOR VALUES FROM (%L) TO (%L)',
                   to_char(first_day, '"telemetry_events_"YYYY_MM'), first_day, first_day + INTERVAL '1 month');
END $$;

SELECT create_monthly_partition(month)
  FROM (SELECT min(ts) AS first_ts, max(ts) AS last_ts FROM telemetry_events_old) AS range,
       generate_series(date_trunc('month', coalesce(first_ts, now()::timestamp)),
                       date_trunc('month', coalesce(last_ts, now()::timestamp)) + INTERVAL '3 months',
                       INTERVAL '1 month') AS month;

INSERT INTO telemetry_events (id, address, type, payload, ts)
SELECT id, address, type, payload, ts FROM telemetry_events_old ORDER BY id;

DO $$
BEGIN
    IF (SELECT count(*) FROM telemetry_events) <> (SELECT count(*) FROM telemetry_events_old) THEN
        RAISE EXCEPTION 'telemetry_events has not all rows of telemetry_events_old';
    END IF;
    IF EXISTS (SELECT 1 FROM telemetry_events_default) THEN
        RAISE EXCEPTION 'some rows of telemetry_events fit no month';
    END IF;
END $$;
DROP TABLE telemetry_events_old;

-- Indexes once the rows are there: sorting is faster than finding a place for each. The four of the document, on every partition.
ALTER TABLE telemetry_events ADD CONSTRAINT telemetry_events_pkey PRIMARY KEY (id, ts);
CREATE INDEX idx_telemetry_address ON telemetry_events (address);
CREATE INDEX idx_telemetry_type ON telemetry_events (type);
CREATE INDEX idx_telemetry_ts ON telemetry_events (ts);
CREATE INDEX idx_telemetry_payload_gin ON telemetry_events USING gin (payload);
ANALYZE telemetry_events;
