-- Performance of networks, channels and relayers (D:16 to D:29), rolled up by the maintenance job. Days and hours are UTC.
-- The service gave the tables a serial id that nothing asks for: here the unique key is the primary key, time first, so that it
-- also finds a day. Rates and scores are generated: "pre-calculated" (D:19) by the table itself, they cannot disagree with the counts.
ALTER TABLE network_stats
  ADD COLUMN avg_clear_time_seconds numeric(10,2),
  ADD COLUMN active_relayers integer NOT NULL DEFAULT 0,
  ADD COLUMN active_channels integer NOT NULL DEFAULT 0,
  ADD COLUMN success_rate numeric(5,2)
    GENERATED ALWAYS AS (round(100.0 * least(successful_packets, total_packets) / nullif(total_packets, 0), 2)) STORED;

-- An average cannot be added to, so the sum of seconds is kept. The congestion score is the share of packets that are stuck.
CREATE TABLE channel_performance (
  src_chain_id varchar(50) NOT NULL,
  dst_chain_id varchar(50) NOT NULL,
  src_channel_id varchar(50) NOT NULL,
  dst_channel_id varchar(50) NOT NULL,
  date date NOT NULL,
  hour integer NOT NULL CHECK (hour BETWEEN 0 AND 23),
  packets_sent integer NOT NULL,
  packets_cleared integer NOT NULL,
  packets_stuck integer NOT NULL,
  packets_failed integer NOT NULL,
  clear_seconds numeric NOT NULL,
  avg_clear_time_seconds numeric GENERATED ALWAYS AS (round(clear_seconds / nullif(packets_cleared, 0), 2)) STORED,
  congestion_score numeric GENERATED ALWAYS AS (round(100.0 * packets_stuck / nullif(packets_sent, 0), 2)) STORED,
  success_rate numeric GENERATED ALWAYS AS (round(100.0 * packets_cleared / nullif(packets_sent, 0), 2)) STORED,
  PRIMARY KEY (date, hour, src_chain_id, src_channel_id, dst_chain_id, dst_channel_id)
);

-- The reputation of a relayer starts at 50, as if it had carried ten packets and five had been cleared, and follows its share of
-- cleared ones. No packet tells who was overtaken: packets_frontrun and fees of the document have no source here.
CREATE TABLE relayer_performance (
  relayer_address varchar(100) NOT NULL,
  chain_id varchar(50) NOT NULL,
  date date NOT NULL,
  packets_relayed integer NOT NULL,
  packets_won integer NOT NULL,
  response_seconds numeric NOT NULL,
  avg_response_time_seconds numeric GENERATED ALWAYS AS (round(response_seconds / nullif(packets_relayed, 0), 2)) STORED,
  success_rate numeric GENERATED ALWAYS AS (round(100.0 * packets_won / nullif(packets_relayed, 0), 2)) STORED,
  reputation_score numeric GENERATED ALWAYS AS (round(100.0 * (packets_won + 5) / nullif(packets_relayed + 10, 0), 2)) STORED,
  PRIMARY KEY (date, relayer_address, chain_id)
);

-- Rolls up whole days, anew. The service rolled up CURRENT_DATE at one o'clock: of each day only the first hour ever arrived.
CREATE FUNCTION aggregate_daily_stats(first_day date, last_day date) RETURNS void LANGUAGE sql AS $$
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
SELECT aggregate_daily_stats(min(created_at AT TIME ZONE 'UTC')::date, max(created_at AT TIME ZONE 'UTC')::date) FROM packet_flow;

-- The document's indexes (D:50), as their names tell. The score of a channel changes with its packets, so that its index makes
-- every roll-up write all indexes of the table.
CREATE INDEX idx_channel_performance_route ON channel_performance (src_chain_id, dst_chain_id, date);
CREATE INDEX idx_channel_performance_channel ON channel_performance (src_channel_id, date);
CREATE INDEX idx_channel_performance_congestion ON channel_performance (congestion_score) WHERE congestion_score > 50;
CREATE INDEX idx_relayer_performance_address_date ON relayer_performance (relayer_address, date);
CREATE INDEX idx_relayer_performance_chain_date ON relayer_performance (chain_id, date);
CREATE INDEX idx_relayer_performance_reputation ON relayer_performance (reputation_score DESC);

-- D:153. The function of the service failed when called: the column active_channels was ambiguous. Over seven complete days: the
-- share of packets that were cleared, less the share that is stuck. The instant is a parameter.
CREATE FUNCTION calculate_network_health_score(chain text, at timestamptz DEFAULT now()) RETURNS numeric
LANGUAGE sql STABLE AS $$
  SELECT greatest(0, round(100.0 * sum(s.successful_packets - s.stuck_packets) / nullif(sum(s.total_packets), 0), 2))
    FROM network_stats s
   WHERE s.chain_id = chain
     AND s.date >= (at AT TIME ZONE 'UTC')::date - 7 AND s.date < (at AT TIME ZONE 'UTC')::date
$$;

-- The function of the service returned varchar where it had promised text.
CREATE FUNCTION identify_congested_channels(least_score numeric DEFAULT 50, at timestamptz DEFAULT now(), days integer DEFAULT 1)
RETURNS TABLE (chain text, channel text, packets bigint, stuck bigint, score numeric)
LANGUAGE sql STABLE AS $$
  SELECT c.src_chain_id::text, c.src_channel_id::text, sum(c.packets_sent), sum(c.packets_stuck),
         round(100.0 * sum(c.packets_stuck) / nullif(sum(c.packets_sent), 0), 2)
    FROM channel_performance c
   WHERE c.date >= (at AT TIME ZONE 'UTC')::date - days AND c.date < (at AT TIME ZONE 'UTC')::date
   GROUP BY 1, 2
  HAVING 100.0 * sum(c.packets_stuck) >= least_score * sum(c.packets_sent)
   ORDER BY 5 DESC, 1, 2
$$;

-- The function of the service returned bigint where it had promised integer.
CREATE FUNCTION get_relayer_leaderboard(places integer DEFAULT 20, at timestamptz DEFAULT now(), days integer DEFAULT 7)
RETURNS TABLE (relayer text, relayed bigint, won bigint, reputation numeric)
LANGUAGE sql STABLE AS $$
  SELECT r.relayer_address::text, sum(r.packets_relayed), sum(r.packets_won),
         round(100.0 * (sum(r.packets_won) + 5) / (sum(r.packets_relayed) + 10), 2)
    FROM relayer_performance r
   WHERE r.date >= (at AT TIME ZONE 'UTC')::date - days AND r.date < (at AT TIME ZONE 'UTC')::date
   GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT places
$$;

-- The view of the service could be created, and failed with its function on every read that had a row.
CREATE VIEW v_network_overview AS
SELECT DISTINCT ON (chain_id) chain_id, network_name, date, total_packets, success_rate, stuck_packets, avg_clear_time_seconds,
       active_relayers, active_channels,
       calculate_network_health_score(chain_id, (date + 1)::timestamp AT TIME ZONE 'UTC') AS health_score
  FROM network_stats ORDER BY chain_id, date DESC;
