-- The document drops four indexes that show no scans. Two of its choices are changed:
-- the primary key of delivery_attempts stays (uniqueness checks do not count as scans), and attempted_at keeps a BRIN
-- index, since rows arrive in that order: a few pages instead of a hundred megabytes.
DROP INDEX CONCURRENTLY idx_events_transaction_hash;  -- a prefix of events_transaction_log_key
DROP INDEX CONCURRENTLY idx_events_block_number;
DROP INDEX CONCURRENTLY idx_events_ingested_block;
DROP INDEX CONCURRENTLY idx_delivery_attempts_success_duration;
CREATE INDEX CONCURRENTLY idx_delivery_attempts_attempted_brin ON delivery_attempts USING brin (attempted_at);
DROP INDEX CONCURRENTLY idx_delivery_attempts_attempted_at;
DROP INDEX CONCURRENTLY idx_users_email;              -- repeats users_email_key
DROP INDEX CONCURRENTLY idx_users_api_key_hash;       -- repeats users_api_key_hash_key
