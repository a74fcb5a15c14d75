DROP INDEX idx_packet_flow_created;
ALTER TABLE relayer_performance RESET (fillfactor, autovacuum_vacuum_scale_factor);
ALTER TABLE channel_performance RESET (fillfactor, autovacuum_vacuum_scale_factor);
CREATE INDEX idx_channel_performance_route ON channel_performance (src_chain_id, dst_chain_id, date);
CREATE INDEX idx_channel_performance_channel ON channel_performance (src_channel_id, date);
CREATE INDEX idx_channel_performance_congestion ON channel_performance (congestion_score) WHERE congestion_score > 50;
CREATE INDEX idx_relayer_performance_address_date ON relayer_performance (relayer_address, date);
CREATE INDEX idx_relayer_performance_reputation ON relayer_performance (reputation_score DESC);
CREATE MATERIALIZED VIEW hourly_packet_stats AS
SELECT date_trunc('hour', created_at, 'UTC') AS hour, src_chain_id, src_channel_id,
       count(*) AS packets,
       count(*) FILTER (WHERE status = 'cleared') AS cleared,
       count(*) FILTER (WHERE status = 'stuck') AS stuck,
       avg(extract(epoch FROM cleared_at - created_at)) AS avg_clear_seconds
  FROM packet_flow GROUP BY 1, 2, 3;
CREATE UNIQUE INDEX hourly_packet_stats_key ON hourly_packet_stats (hour, src_chain_id, src_channel_id);
DROP TRIGGER count_changed_packets ON packet_flow;
DROP TRIGGER count_new_packets ON packet_flow;
DROP FUNCTION count_changed_packets();
DROP FUNCTION count_new_packets();
-- As in 005.
CREATE OR REPLACE FUNCTION aggregate_daily_stats(first_day date, last_day date) RETURNS void LANGUAGE sql AS $$
  INSERT INTO channel_performance (src_chain_id, dst_chain_id, src_channel_id, dst_channel_id, date, hour,
                                   packets_sent, packets_cleared, packets_stuck, packets_failed, clear_seconds)
  SELECT src_chain_id, dst_chain_id, src_channel_id, dst_channel_id,
         (created_at AT TIME ZONE 'UTC')::date, extract(hour FROM created_at AT TIME ZONE 'UTC')::integer,
         count(*), count(*) FILTER (WHERE status = 'cleared'), count(*) FILTER (WHERE status = 'stuck'),
         count(*) FILTER (WHERE status = 'failed'), coalesce(sum(extract(epoch FROM cleared_at - created_at)), 0)
    FROM packet_flow
   WHERE created_at >= first_day::timestamp AT TIME ZONE 'UTC' AND created_at < (last_day + 1)::timestamp AT TIME ZONE 'UTC'
   GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 5, 6, 1, 3
  ON CONFLICT (date, hour, src_chain_id, src_channel_id, dst_chain_id, dst_channel_id) DO UPDATE
     SET packets_sent = EXCLUDED.packets_sent, packets_cleared = EXCLUDED.packets_cleared,
         packets_stuck = EXCLUDED.packets_stuck, packets_failed = EXCLUDED.packets_failed,
         clear_seconds = EXCLUDED.clear_seconds;

  INSERT INTO relayer_performance (relayer_address, chain_id, date, packets_relayed, packets_won, response_seconds)
  SELECT relayer_address, src_chain_id, (created_at AT TIME ZONE 'UTC')::date,
         count(*), count(*) FILTER (WHERE status = 'cleared'),
         coalesce(sum(extract(epoch FROM received_at - created_at)), 0)
    FROM packet_flow
   WHERE created_at >= first_day::timestamp AT TIME ZONE 'UTC' AND created_at < (last_day + 1)::timestamp AT TIME ZONE 'UTC'
     AND relayer_address IS NOT NULL
   GROUP BY 1, 2, 3 ORDER BY 3, 1, 2
  ON CONFLICT (date, relayer_address, chain_id) DO UPDATE
     SET packets_relayed = EXCLUDED.packets_relayed, packets_won = EXCLUDED.packets_won,
         response_seconds = EXCLUDED.response_seconds;

  INSERT INTO network_stats (chain_id, network_name, date, total_packets, successful_packets, failed_packets, stuck_packets,
                             avg_clear_time_seconds, active_relayers, active_channels)
  SELECT src_chain_id, src_chain_id, (created_at AT TIME ZONE 'UTC')::date,
         count(*), count(*) FILTER (WHERE status = 'cleared'), count(*) FILTER (WHERE status = 'failed'),
         count(*) FILTER (WHERE status = 'stuck'), avg(extract(epoch FROM cleared_at - created_at)),
         count(DISTINCT relayer_address), count(DISTINCT src_channel_id)
    FROM packet_flow
   WHERE created_at >= first_day::timestamp AT TIME ZONE 'UTC' AND created_at < (last_day + 1)::timestamp AT TIME ZONE 'UTC'
   GROUP BY 1, 2, 3 ORDER BY 1, 3
  ON CONFLICT (chain_id, date) DO UPDATE
     SET total_packets = EXCLUDED.total_packets, successful_packets = EXCLUDED.successful_packets,
         failed_packets = EXCLUDED.failed_packets, stuck_packets = EXCLUDED.stuck_packets,
         avg_clear_time_seconds = EXCLUDED.avg_clear_time_seconds, active_relayers = EXCLUDED.active_relayers,
         active_channels = EXCLUDED.active_channels, updated_at = now();
$$;
