-- On partitions CONCURRENTLY works for one partition at a time only. With writers about: create the index ON ONLY the parent, build one
-- CONCURRENTLY on each partition, ATTACH them. Here nobody writes yet.

-- A wallet's events in a window of time. Replaces address and ts by themselves.
CREATE INDEX idx_telemetry_address_ts ON telemetry_events (address, ts);
-- The one key that is asked for, instead of a GIN index over all of them.
CREATE INDEX idx_telemetry_session ON telemetry_events ((payload ->> 'sessionId'));
DROP INDEX idx_telemetry_payload_gin;
DROP INDEX idx_telemetry_ts;
DROP INDEX idx_telemetry_type;
DROP INDEX idx_telemetry_address;
-- Statistics for the new expression.
ANALYZE telemetry_events;
