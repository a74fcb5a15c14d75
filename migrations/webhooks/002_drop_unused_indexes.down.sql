CREATE INDEX CONCURRENTLY idx_users_api_key_hash ON users (api_key_hash);
CREATE INDEX CONCURRENTLY idx_users_email ON users (email);
CREATE INDEX CONCURRENTLY idx_delivery_attempts_attempted_at ON delivery_attempts (attempted_at DESC);
DROP INDEX CONCURRENTLY idx_delivery_attempts_attempted_brin;
CREATE INDEX CONCURRENTLY idx_delivery_attempts_success_duration ON delivery_attempts (success, duration_ms);
CREATE INDEX CONCURRENTLY idx_events_ingested_block ON events (ingested_at DESC, block_number DESC);
CREATE INDEX CONCURRENTLY idx_events_block_number ON events (block_number DESC);
CREATE INDEX CONCURRENTLY idx_events_transaction_hash ON events (transaction_hash);
