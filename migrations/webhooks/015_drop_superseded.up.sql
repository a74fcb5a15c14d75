-- pgrehearse: no-transaction
-- What the statistics of 013 replace: every delivery and every event would pay for it.
DROP MATERIALIZED VIEW user_recent_stats;
DROP FUNCTION refresh_user_daily_stats(timestamptz);
DROP TABLE user_daily_stats;
DROP INDEX CONCURRENTLY idx_delivery_attempts_user_attempted;
DROP INDEX CONCURRENTLY idx_events_ingested_id;
