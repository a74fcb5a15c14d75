DROP FUNCTION analyze_query_performance(text);
DROP FUNCTION check_index_effectiveness();
DROP VIEW v_clearing_operation_stats, v_stuck_packets;
DROP MATERIALIZED VIEW mv_user_statistics, hourly_packet_stats;
