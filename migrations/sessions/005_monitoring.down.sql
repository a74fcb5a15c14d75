DROP FUNCTION create_future_partitions(timestamp, integer);
DROP FUNCTION end_stale_sessions(timestamp, interval);
DROP FUNCTION delete_expired_nonces(timestamp, integer);
DROP VIEW IF EXISTS slow_statements;
DROP VIEW database_alerts;
DROP VIEW connection_states;
DROP VIEW table_health;
DROP VIEW index_usage;
