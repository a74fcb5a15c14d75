-- Statistics of hours (D:117 to D:134). The source document makes a continuous aggregate of TimescaleDB, which plain PostgreSQL
-- refuses, and averages a column clear_time, which does not exist: this is the plain form, with cleared_at - created_at.
CREATE MATERIALIZED VIEW hourly_packet_stats AS
SELECT date_trunc('hour', created_at, 'UTC') AS hour, src_chain_id, src_channel_id,
       count(*) AS packets,
       count(*) FILTER (WHERE status = 'cleared') AS cleared,
       count(*) FILTER (WHERE status = 'stuck') AS stuck,
       avg(extract(epoch FROM cleared_at - created_at)) AS avg_clear_seconds
  FROM packet_flow GROUP BY 1, 2, 3;
-- Unique, or REFRESH ... CONCURRENTLY is refused.
CREATE UNIQUE INDEX hourly_packet_stats_key ON hourly_packet_stats (hour, src_chain_id, src_channel_id);

-- D:119. The index of the service was not unique, so its hourly refresh could not run concurrently.
CREATE MATERIALIZED VIEW mv_user_statistics AS
SELECT wallet_address, count(*) AS operations, count(*) FILTER (WHERE clearing_status = 'completed') AS completed,
       sum(total_fee) AS fees, max(created_at) AS last_clearing_at
  FROM clearing_operations WHERE deleted_at IS NULL GROUP BY wallet_address;
CREATE UNIQUE INDEX mv_user_statistics_wallet ON mv_user_statistics (wallet_address);

CREATE VIEW v_stuck_packets AS
SELECT id, packet_id, src_chain_id, src_channel_id, sequence, created_at, stuck_at FROM packet_flow WHERE status = 'stuck';

CREATE VIEW v_clearing_operation_stats AS
SELECT (created_at AT TIME ZONE 'UTC')::date AS date, clearing_status, count(*) AS operations, sum(total_fee) AS fees,
       avg(extract(epoch FROM updated_at - created_at)) AS avg_seconds
  FROM clearing_operations WHERE deleted_at IS NULL GROUP BY 1, 2;

-- D:147. The function of the service asked pg_stat_user_indexes for columns that it does not have (tablename, indexname).
CREATE FUNCTION check_index_effectiveness() RETURNS TABLE (table_name text, index_name text, scans bigint, bytes bigint)
LANGUAGE sql STABLE AS $$
  SELECT relname::text, indexrelname::text, idx_scan, pg_relation_size(indexrelid)
    FROM pg_stat_user_indexes ORDER BY idx_scan, 4 DESC
$$;

-- D:150. Returns no row where pg_stat_statements is absent.
CREATE FUNCTION analyze_query_performance(pattern text) RETURNS TABLE (query text, calls bigint, mean_ms double precision)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF to_regclass('pg_stat_statements') IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT s.query, s.calls, s.mean_exec_time FROM pg_stat_statements s
                WHERE s.query ILIKE pattern ORDER BY s.mean_exec_time DESC;
END $$;
