-- The service's own way back stopped here: a view depends on a function, so the view goes first.
DROP VIEW v_network_overview;
DROP FUNCTION get_relayer_leaderboard(integer, timestamptz, integer);
DROP FUNCTION identify_congested_channels(numeric, timestamptz, integer);
DROP FUNCTION calculate_network_health_score(text, timestamptz);
DROP FUNCTION aggregate_daily_stats(date, date);
DROP TABLE relayer_performance, channel_performance;
ALTER TABLE network_stats
  DROP COLUMN success_rate,
  DROP COLUMN active_channels,
  DROP COLUMN active_relayers,
  DROP COLUMN avg_clear_time_seconds;
