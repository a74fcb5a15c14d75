-- The document's autovacuum factors, and its daily checks as views.
ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE delivery_attempts SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

-- The document asks for idx_scan = 0 AND idx_tup_read > 0, which no index can be. Unique indexes are left out: the checks that
-- they exist for are not counted as scans.
CREATE VIEW unused_indexes AS
SELECT s.relname AS table_name, s.indexrelname AS index_name, pg_relation_size(s.indexrelid) AS bytes,
       (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()) AS counted_since
  FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid)
 WHERE s.idx_scan = 0 AND NOT i.indisunique;

CREATE VIEW table_health AS
SELECT relname AS table_name, pg_total_relation_size(relid) AS bytes, n_live_tup, n_dead_tup,
       greatest(last_vacuum, last_autovacuum) AS last_vacuum
  FROM pg_stat_user_tables;

-- Statements that take more than a second on average, where pg_stat_statements is installed, in whatever schema.
DO $$
DECLARE
    home text := (SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_stat_statements');
BEGIN
    IF home IS NOT NULL THEN
        EXECUTE format($view$
            CREATE VIEW slow_statements AS
            SELECT query, calls, mean_exec_time AS mean_ms, total_exec_time AS total_ms, stddev_exec_time AS stddev_ms
              FROM %s.pg_stat_statements
             WHERE mean_exec_time > 1000 AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        $view$, home);
    END IF;
END $$;
