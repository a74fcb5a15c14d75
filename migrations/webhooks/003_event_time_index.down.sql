DROP INDEX CONCURRENTLY idx_events_ingested_id;
