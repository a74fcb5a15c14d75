CREATE INDEX idx_telemetry_address ON telemetry_events (address);
CREATE INDEX idx_telemetry_type ON telemetry_events (type);
CREATE INDEX idx_telemetry_ts ON telemetry_events (ts);
CREATE INDEX idx_telemetry_payload_gin ON telemetry_events USING gin (payload);
DROP INDEX idx_telemetry_session;
DROP INDEX idx_telemetry_address_ts;
