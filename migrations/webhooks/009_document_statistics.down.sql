DROP MATERIALIZED VIEW user_recent_stats;
DROP FUNCTION refresh_user_daily_stats(timestamptz);
DROP TABLE user_daily_stats;
