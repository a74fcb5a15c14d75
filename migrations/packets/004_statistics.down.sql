DROP FUNCTION analyze_query_performance(text);
DROP FUNCTION check_index_effectiveness();
DROP FUNCTION calculate_network_health_score(text, timestamptz);
DROP VIEW v_stuck_packets;
DROP MATERIALIZED VIEW mv_user_statistics, hourly_relayer_stats, hourly_packet_stats;
