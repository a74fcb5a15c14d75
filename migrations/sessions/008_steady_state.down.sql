ALTER TABLE reports RESET (autovacuum_vacuum_insert_scale_factor);
ALTER TABLE sessions RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor,
                            autovacuum_analyze_scale_factor);
ALTER TABLE nonces RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
ALTER TABLE blocks ALTER COLUMN active DROP NOT NULL;
ALTER TABLE users ADD COLUMN session_count integer DEFAULT 0, ADD COLUMN last_active timestamp;
