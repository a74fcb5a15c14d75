-- The document's statistics, as it writes them: a table by day and a materialised view of the last 24 hours. Two things are
-- added, without which they cannot be used: a writer for the table (the document has none), and in the view the instant as
-- of which it counts, which is that of the newest delivery and not now(), so that a reader can tell how old the answer is.
--
-- What stays wrong, and why 013 does it otherwise: averages do not add up over days; an event that is delivered on two days
-- counts twice; both are minutes old; and they ask for a time whose index the document drops first.
CREATE TABLE user_daily_stats (
    user_id               uuid NOT NULL,
    date                  date NOT NULL,
    event_count           bigint DEFAULT 0,
    delivery_count        bigint DEFAULT 0,
    successful_deliveries bigint DEFAULT 0,
    failed_deliveries     bigint DEFAULT 0,
    avg_duration_ms       double precision,
    updated_at            timestamptz DEFAULT now(),
    PRIMARY KEY (user_id, date)
);
CREATE INDEX idx_user_daily_stats_date ON user_daily_stats (date DESC);

CREATE FUNCTION refresh_user_daily_stats(since timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO user_daily_stats (user_id, date, event_count, delivery_count, successful_deliveries, failed_deliveries, avg_duration_ms)
    SELECT user_id, (attempted_at AT TIME ZONE 'UTC')::date, count(DISTINCT event_id), count(*),
           count(*) FILTER (WHERE success), count(*) FILTER (WHERE success IS NOT TRUE), avg(duration_ms)
      FROM delivery_attempts
     WHERE attempted_at >= date_trunc('day', since, 'UTC')
     GROUP BY 1, 2
        ON CONFLICT (user_id, date) DO UPDATE
       SET event_count           = excluded.event_count,
           delivery_count        = excluded.delivery_count,
           successful_deliveries = excluded.successful_deliveries,
           failed_deliveries     = excluded.failed_deliveries,
           avg_duration_ms       = excluded.avg_duration_ms,
           updated_at            = now()
$$;
SELECT refresh_user_daily_stats('-infinity');

CREATE MATERIALIZED VIEW user_recent_stats AS
WITH newest AS (SELECT max(attempted_at) AS as_of FROM delivery_attempts)
SELECT da.user_id,
       newest.as_of,
       count(DISTINCT da.event_id) AS event_count_24h,
       count(*) AS delivery_count_24h,
       count(*) FILTER (WHERE da.success) AS successful_24h,
       avg(da.duration_ms) AS avg_duration_24h
  FROM newest JOIN delivery_attempts da ON da.attempted_at >= newest.as_of - INTERVAL '24 hours'
 GROUP BY da.user_id, newest.as_of;
CREATE UNIQUE INDEX user_recent_stats_user_idx ON user_recent_stats (user_id);
