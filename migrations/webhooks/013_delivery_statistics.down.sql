DROP TRIGGER delivery_attempts_count ON delivery_attempts;
DROP FUNCTION count_deliveries();
DROP TABLE endpoint_hourly_stats;
DROP TABLE user_hourly_stats;
DROP TABLE user_events;
