DROP VIEW IF EXISTS slow_statements;
DROP VIEW table_health;
DROP VIEW unused_indexes;
ALTER TABLE delivery_attempts RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
ALTER TABLE events RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
