-- Pages of an endpoint's deliveries, newest first, with the tie-break that makes them repeatable; the document has no
-- index for them. It also serves whatever used the index on endpoint_id alone.
CREATE INDEX CONCURRENTLY idx_delivery_attempts_endpoint_attempted
    ON delivery_attempts (endpoint_id, attempted_at DESC, id DESC);
DROP INDEX CONCURRENTLY idx_delivery_attempts_endpoint_id;
