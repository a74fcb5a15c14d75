CREATE INDEX CONCURRENTLY idx_refunds_status_created ON refunds (status, created_at);
DROP INDEX CONCURRENTLY idx_refunds_pending;
