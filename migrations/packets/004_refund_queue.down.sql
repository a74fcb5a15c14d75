CREATE INDEX CONCURRENTLY idx_refunds_status ON refunds (status);
DROP INDEX CONCURRENTLY idx_refunds_pending;
