-- The document's index for time ranges. It has id ascending, while its pages sort both columns downwards: PostgreSQL then
-- sorts every group of equal times again. With both in one direction the index is the order.
CREATE INDEX CONCURRENTLY idx_events_ingested_id ON events (ingested_at DESC, id DESC);
