-- The document's monitoring and clean-up, as far as they are SQL: views to look at, functions for a scheduler to call.
-- It drops indexes that show no scan every few minutes; that would hit unique, young and rarely used ones. (It fails before it
-- can: pg_stat_user_indexes has relname and indexrelname, not tablename and indexname.) These views only tell.

CREATE VIEW index_usage AS
SELECT s.relname AS table_name, s.indexrelname AS index_name, s.idx_scan AS scans, i.indisunique AS is_unique,
       pg_relation_size(s.indexrelid) AS bytes,
       s.idx_scan = 0 AND NOT i.indisunique AS is_unused,
       (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()) AS counted_since
  FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid);

CREATE VIEW table_health AS
SELECT relname AS table_name, pg_total_relation_size(relid) AS bytes, n_live_tup, n_dead_tup,
       n_tup_upd, n_tup_hot_upd, greatest(last_vacuum, last_autovacuum) AS last_vacuum
  FROM pg_stat_user_tables;

CREATE VIEW connection_states AS
SELECT coalesce(state, 'background') AS state, count(*) AS connections, max(now() - state_change) AS longest
  FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1;

-- The document's alerts that the database can tell by itself: more than 10 % of transactions rolled back, 80 % of connections taken.
CREATE VIEW database_alerts AS
SELECT 'rollbacks' AS alert, d.xact_rollback::numeric / nullif(d.xact_commit + d.xact_rollback, 0) AS share, 0.1 AS limit_share
  FROM pg_stat_database d WHERE d.datname = current_database()
   AND d.xact_rollback > 0.1 * (d.xact_commit + d.xact_rollback)
UNION ALL
SELECT 'connections', count(*) / current_setting('max_connections')::numeric, 0.8
  FROM pg_stat_activity WHERE backend_type = 'client backend'
HAVING count(*) > 0.8 * current_setting('max_connections')::numeric;

-- Statements that take more than 50 ms on average. Only where pg_stat_statements is installed, in whatever schema: a session
-- cannot SET shared_preload_libraries, as the document does, and total_time is total_exec_time since version 13.
DO $$
DECLARE
    home text := (SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_stat_statements');
BEGIN
    IF home IS NOT NULL THEN
        EXECUTE format($view$
            CREATE VIEW slow_statements AS
            SELECT query, calls, mean_exec_time AS mean_ms, max_exec_time AS max_ms, total_exec_time AS total_ms
              FROM %s.pg_stat_statements
             WHERE mean_exec_time > 50 AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        $view$, home);
    END IF;
END $$;

-- Nonces whose five minutes are over, oldest first, in batches that hold few locks. Returns how many went.
CREATE FUNCTION delete_expired_nonces(as_of timestamp, at_most integer DEFAULT 5000) RETURNS bigint LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM nonces WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM nonces WHERE expires_at < as_of ORDER BY expires_at LIMIT at_most FOR UPDATE SKIP LOCKED))
        RETURNING 1)
    SELECT count(*) FROM gone
$$;

-- Calls that nobody ended, because a client went away. Returns how many were ended.
CREATE FUNCTION end_stale_sessions(as_of timestamp, longest interval DEFAULT '2 hours') RETURNS bigint LANGUAGE sql AS $$
    WITH ended AS (
        UPDATE sessions SET ended_at = as_of, reason_end = 'timeout'
         WHERE ended_at IS NULL AND started_at < as_of - longest
        RETURNING 1)
    SELECT count(*) FROM ended
$$;

-- The month of the given instant and so many more. Returns how many there are now.
CREATE FUNCTION create_future_partitions(as_of timestamp, months integer DEFAULT 3) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(create_monthly_partition(month)::text)
      FROM generate_series(date_trunc('month', as_of), date_trunc('month', as_of) + make_interval(months => months),
                           INTERVAL '1 month') AS month
$$;
