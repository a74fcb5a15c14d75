-- Two indexes of the document's first phase, which could not be built there: the column came in its second. The predicate
-- "WHERE user_id IS NOT NULL" is left out, since it holds for every row. The order of the second one is the document's own,
-- though no statement asks for success: 010 replaces both.
CREATE INDEX CONCURRENTLY idx_delivery_attempts_user_id ON delivery_attempts (user_id);
CREATE INDEX CONCURRENTLY idx_delivery_attempts_user_success_time
    ON delivery_attempts (user_id, success, attempted_at DESC);
