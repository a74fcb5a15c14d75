LOCK TABLE telemetry_events IN ACCESS EXCLUSIVE MODE;
DROP FUNCTION create_monthly_partition(timestamp);
ALTER TABLE telemetry_events RENAME TO telemetry_events_partitioned;
CREATE TABLE telemetry_events (
    id      integer NOT NULL DEFAULT nextval('telemetry_events_id_seq'),
    address varchar(42),
    type    varchar(100),
    payload jsonb,
    ts      timestamp DEFAULT now()
);
ALTER SEQUENCE telemetry_events_id_seq OWNED BY telemetry_events.id;
INSERT INTO telemetry_events (id, address, type, payload, ts)
SELECT id, address, type, payload, ts FROM telemetry_events_partitioned ORDER BY id;
DROP TABLE telemetry_events_partitioned;
ALTER TABLE telemetry_events ADD CONSTRAINT telemetry_events_pkey PRIMARY KEY (id);
CREATE INDEX idx_telemetry_address ON telemetry_events (address);
CREATE INDEX idx_telemetry_type ON telemetry_events (type);
CREATE INDEX idx_telemetry_ts ON telemetry_events (ts);
CREATE INDEX idx_telemetry_payload_gin ON telemetry_events USING gin (payload);
ANALYZE telemetry_events;
