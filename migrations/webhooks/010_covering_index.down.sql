CREATE INDEX CONCURRENTLY idx_delivery_attempts_user_id ON delivery_attempts (user_id);
CREATE INDEX CONCURRENTLY idx_delivery_attempts_user_success_time
    ON delivery_attempts (user_id, success, attempted_at DESC);
DROP INDEX CONCURRENTLY idx_delivery_attempts_user_attempted;
