-- The statements ask for a user and a time; success is only counted. With the time right after the user and the counted
-- columns in the index, the deliveries of a day are one stretch of it, and the table is not read at all.
CREATE INDEX CONCURRENTLY idx_delivery_attempts_user_attempted
    ON delivery_attempts (user_id, attempted_at DESC, id DESC) INCLUDE (event_id, success, duration_ms);
DROP INDEX CONCURRENTLY idx_delivery_attempts_user_success_time;
DROP INDEX CONCURRENTLY idx_delivery_attempts_user_id;  -- a prefix of the new one
