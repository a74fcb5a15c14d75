-- The roll-ups of channels and relayers are kept by the writers of packets, once for each statement, in the order of their keys so
-- that two writers cannot wait for each other. Nothing is stale, and maintenance does not read the packets again.
-- Deleting packets leaves the roll-ups as they are: they are the history of packets that were archived.
CREATE FUNCTION count_new_packets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Triggers for statements fire for none of the rows, too: a packet that arrives twice, one that needs no change.
  IF NOT EXISTS (SELECT FROM added) THEN
    RETURN NULL;
  END IF;
  INSERT INTO channel_performance AS c (src_chain_id, dst_chain_id, src_channel_id, dst_channel_id, date, hour,
                                        packets_sent, packets_cleared, packets_stuck, packets_failed, clear_seconds)
  SELECT src_chain_id, dst_chain_id, src_channel_id, dst_channel_id,
         (created_at AT TIME ZONE 'UTC')::date, extract(hour FROM created_at AT TIME ZONE 'UTC')::integer,
         count(*), count(*) FILTER (WHERE status = 'cleared'), count(*) FILTER (WHERE status = 'stuck'),
         count(*) FILTER (WHERE status = 'failed'), coalesce(sum(extract(epoch FROM cleared_at - created_at)), 0)
    FROM added GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 5, 6, 1, 3, 2, 4
  ON CONFLICT (date, hour, src_chain_id, src_channel_id, dst_chain_id, dst_channel_id) DO UPDATE
     SET packets_sent = c.packets_sent + EXCLUDED.packets_sent, packets_cleared = c.packets_cleared + EXCLUDED.packets_cleared,
         packets_stuck = c.packets_stuck + EXCLUDED.packets_stuck, packets_failed = c.packets_failed + EXCLUDED.packets_failed,
         clear_seconds = c.clear_seconds + EXCLUDED.clear_seconds;

  INSERT INTO relayer_performance AS r (relayer_address, chain_id, date, packets_relayed, packets_won, response_seconds)
  SELECT relayer_address, src_chain_id, (created_at AT TIME ZONE 'UTC')::date,
         count(*), count(*) FILTER (WHERE status = 'cleared'),
         coalesce(sum(extract(epoch FROM received_at - created_at)), 0)
    FROM added WHERE relayer_address IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 3, 1, 2
  ON CONFLICT (date, relayer_address, chain_id) DO UPDATE
     SET packets_relayed = r.packets_relayed + EXCLUDED.packets_relayed, packets_won = r.packets_won + EXCLUDED.packets_won,
         response_seconds = r.response_seconds + EXCLUDED.response_seconds;
  RETURN NULL;
END $$;

-- What a change takes away and what it adds, as one sum for each row of a roll-up: no row is written that stays as it is.
CREATE FUNCTION count_changed_packets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM added) THEN
    RETURN NULL;
  END IF;
  INSERT INTO channel_performance AS c (src_chain_id, dst_chain_id, src_channel_id, dst_channel_id, date, hour,
                                        packets_sent, packets_cleared, packets_stuck, packets_failed, clear_seconds)
  SELECT src_chain_id, dst_chain_id, src_channel_id, dst_channel_id,
         (created_at AT TIME ZONE 'UTC')::date, extract(hour FROM created_at AT TIME ZONE 'UTC')::integer,
         sum(sign), sum(sign * (status = 'cleared')::integer), sum(sign * (status = 'stuck')::integer),
         sum(sign * (status = 'failed')::integer), coalesce(sum(sign * extract(epoch FROM cleared_at - created_at)), 0)
    FROM (SELECT 1 AS sign, * FROM added UNION ALL SELECT -1, * FROM removed) change
   GROUP BY 1, 2, 3, 4, 5, 6
  HAVING sum(sign) <> 0 OR sum(sign * (status = 'cleared')::integer) <> 0 OR sum(sign * (status = 'stuck')::integer) <> 0
      OR sum(sign * (status = 'failed')::integer) <> 0 OR coalesce(sum(sign * extract(epoch FROM cleared_at - created_at)), 0) <> 0
   ORDER BY 5, 6, 1, 3, 2, 4
  ON CONFLICT (date, hour, src_chain_id, src_channel_id, dst_chain_id, dst_channel_id) DO UPDATE
     SET packets_sent = c.packets_sent + EXCLUDED.packets_sent, packets_cleared = c.packets_cleared + EXCLUDED.packets_cleared,
         packets_stuck = c.packets_stuck + EXCLUDED.packets_stuck, packets_failed = c.packets_failed + EXCLUDED.packets_failed,
         clear_seconds = c.clear_seconds + EXCLUDED.clear_seconds;

  INSERT INTO relayer_performance AS r (relayer_address, chain_id, date, packets_relayed, packets_won, response_seconds)
  SELECT relayer_address, src_chain_id, (created_at AT TIME ZONE 'UTC')::date,
         sum(sign), sum(sign * (status = 'cleared')::integer),
         coalesce(sum(sign * extract(epoch FROM received_at - created_at)), 0)
    FROM (SELECT 1 AS sign, * FROM added UNION ALL SELECT -1, * FROM removed) change
   WHERE relayer_address IS NOT NULL
   GROUP BY 1, 2, 3
  HAVING sum(sign) <> 0 OR sum(sign * (status = 'cleared')::integer) <> 0
      OR coalesce(sum(sign * extract(epoch FROM received_at - created_at)), 0) <> 0
   ORDER BY 3, 1, 2
  ON CONFLICT (date, relayer_address, chain_id) DO UPDATE
     SET packets_relayed = r.packets_relayed + EXCLUDED.packets_relayed, packets_won = r.packets_won + EXCLUDED.packets_won,
         response_seconds = r.response_seconds + EXCLUDED.response_seconds;
  RETURN NULL;
END $$;

-- Making the triggers takes a lock that writers of packets wait for until the end of this migration, so that none is missed by
-- the count below.
CREATE TRIGGER count_new_packets AFTER INSERT ON packet_flow REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION count_new_packets();
CREATE TRIGGER count_changed_packets AFTER UPDATE ON packet_flow REFERENCING OLD TABLE AS removed NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION count_changed_packets();
TRUNCATE channel_performance, relayer_performance;
SELECT aggregate_daily_stats(min(created_at AT TIME ZONE 'UTC')::date, max(created_at AT TIME ZONE 'UTC')::date) FROM packet_flow;

-- The job only adds up what the writers have counted, day by day for each chain; it reads no packet.
CREATE OR REPLACE FUNCTION aggregate_daily_stats(first_day date, last_day date) RETURNS void LANGUAGE sql AS $$
  INSERT INTO network_stats (chain_id, network_name, date, total_packets, successful_packets, failed_packets,
                             stuck_packets, avg_clear_time_seconds, active_relayers, active_channels)
  SELECT c.src_chain_id, c.src_chain_id, c.date, sum(c.packets_sent), sum(c.packets_cleared),
         sum(c.packets_failed), sum(c.packets_stuck),
         round(sum(c.clear_seconds) / nullif(sum(c.packets_cleared), 0), 2),
         (SELECT count(*) FROM relayer_performance r
           WHERE r.date = c.date AND r.chain_id = c.src_chain_id AND r.packets_relayed > 0),
         count(DISTINCT c.src_channel_id)
    FROM channel_performance c
   WHERE c.date BETWEEN first_day AND last_day
   GROUP BY 1, 2, 3 ORDER BY 1, 3
  ON CONFLICT (chain_id, date) DO UPDATE
     SET total_packets = EXCLUDED.total_packets, successful_packets = EXCLUDED.successful_packets,
         failed_packets = EXCLUDED.failed_packets, stuck_packets = EXCLUDED.stuck_packets,
         avg_clear_time_seconds = EXCLUDED.avg_clear_time_seconds,
         active_relayers = EXCLUDED.active_relayers, active_channels = EXCLUDED.active_channels, updated_at = now();
$$;

-- Nothing reads the view of hours any more.
DROP MATERIALIZED VIEW hourly_packet_stats;
-- No transaction asks by these, and an index on a score that changes keeps every roll-up from being a HOT update.
DROP INDEX idx_channel_performance_route, idx_channel_performance_channel, idx_channel_performance_congestion;
DROP INDEX idx_relayer_performance_address_date, idx_relayer_performance_reputation;
-- Rows of the present hour and day are updated many times: room for them in the page, and early vacuum.
ALTER TABLE channel_performance SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE relayer_performance SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
-- A range of time in a table that is only appended to: pages in the order of time, so that a few kilobytes are enough.
CREATE INDEX idx_packet_flow_created ON packet_flow USING brin (created_at);
