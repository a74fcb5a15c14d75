-- The refund worker takes the oldest pending refunds (D:273): an index in that order, of those only.
CREATE INDEX CONCURRENTLY idx_refunds_pending ON refunds (created_at, id) WHERE status = 'pending';
DROP INDEX CONCURRENTLY idx_refunds_status_created;
