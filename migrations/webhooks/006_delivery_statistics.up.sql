-- Statistics that the writers keep, instead of a materialised view that is minutes old and a daily table that nobody
-- fills. Sums and counts, never averages: they add up over hours.
--
-- An event counts once for a user however often it was delivered, and in the hour in which it was ingested. That is what
-- makes distinct counts additive: each (user, event) belongs to exactly one hour.
--
-- Slots spread one busy row (the largest customer has two thirds of the traffic) over several, so that writers do not
-- queue for its lock until each other's commit.

-- Events of a user, newest first; ingested_at follows from event_id, so this key is unique by (user_id, event_id) too.
CREATE TABLE user_events (
    user_id     uuid NOT NULL,
    ingested_at timestamptz NOT NULL,
    event_id    uuid NOT NULL,
    PRIMARY KEY (user_id, ingested_at, event_id)
);

CREATE TABLE user_hourly_stats (
    user_id         uuid NOT NULL,
    hour            timestamptz NOT NULL,
    slot            smallint NOT NULL,
    event_count     bigint NOT NULL,
    delivery_count  bigint NOT NULL,
    success_count   bigint NOT NULL,
    duration_count  bigint NOT NULL,
    duration_sum_ms bigint NOT NULL,
    PRIMARY KEY (user_id, hour, slot)
) WITH (fillfactor = 70);

CREATE TABLE endpoint_hourly_stats (
    endpoint_id     uuid NOT NULL,
    hour            timestamptz NOT NULL,
    slot            smallint NOT NULL,
    delivery_count  bigint NOT NULL,
    success_count   bigint NOT NULL,
    duration_count  bigint NOT NULL,
    duration_sum_ms bigint NOT NULL,
    PRIMARY KEY (endpoint_id, hour, slot)
) WITH (fillfactor = 70);

-- Once for each statement, not for each row; ordered, so that two writers take row locks in the same order.
CREATE FUNCTION count_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    my_slot CONSTANT smallint := pg_backend_pid() % 8 + 1;
BEGIN
    WITH fresh AS (
        INSERT INTO user_events (user_id, ingested_at, event_id)
        SELECT DISTINCT n.user_id, e.ingested_at, n.event_id
          FROM added n JOIN events e ON e.id = n.event_id
         ORDER BY 1, 2, 3
            ON CONFLICT DO NOTHING
        RETURNING user_id, ingested_at
    ), deltas AS (
        SELECT user_id, date_trunc('hour', ingested_at, 'UTC') AS hour,
               count(*) AS events, 0 AS deliveries, 0 AS successes, 0 AS durations, 0 AS duration_ms
          FROM fresh GROUP BY 1, 2
        UNION ALL
        SELECT n.user_id, date_trunc('hour', e.ingested_at, 'UTC'),
               0, count(*), count(*) FILTER (WHERE n.success), count(n.duration_ms), coalesce(sum(n.duration_ms), 0)
          FROM added n JOIN events e ON e.id = n.event_id GROUP BY 1, 2
    )
    INSERT INTO user_hourly_stats AS s
    SELECT user_id, hour, my_slot, sum(events), sum(deliveries), sum(successes), sum(durations), sum(duration_ms)
      FROM deltas GROUP BY user_id, hour ORDER BY user_id, hour
        ON CONFLICT (user_id, hour, slot) DO UPDATE
       SET event_count     = s.event_count + excluded.event_count,
           delivery_count  = s.delivery_count + excluded.delivery_count,
           success_count   = s.success_count + excluded.success_count,
           duration_count  = s.duration_count + excluded.duration_count,
           duration_sum_ms = s.duration_sum_ms + excluded.duration_sum_ms;

    INSERT INTO endpoint_hourly_stats AS s
    SELECT endpoint_id, date_trunc('hour', attempted_at, 'UTC'), my_slot,
           count(*), count(*) FILTER (WHERE success), count(duration_ms), coalesce(sum(duration_ms), 0)
      FROM added GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (endpoint_id, hour, slot) DO UPDATE
       SET delivery_count  = s.delivery_count + excluded.delivery_count,
           success_count   = s.success_count + excluded.success_count,
           duration_count  = s.duration_count + excluded.duration_count,
           duration_sum_ms = s.duration_sum_ms + excluded.duration_sum_ms;
    RETURN NULL;
END $$;

-- From here to the end of this transaction writers wait: what is counted below and what the trigger counts must not
-- overlap. Readers go on.
CREATE TRIGGER delivery_attempts_count
    AFTER INSERT ON delivery_attempts
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_deliveries();

INSERT INTO user_events (user_id, ingested_at, event_id)
SELECT DISTINCT d.user_id, e.ingested_at, d.event_id
  FROM delivery_attempts d JOIN events e ON e.id = d.event_id
 ORDER BY 1, 2, 3;

INSERT INTO user_hourly_stats
SELECT user_id, hour, 0, sum(events), sum(deliveries), sum(successes), sum(durations), sum(duration_ms)
  FROM (
    SELECT user_id, date_trunc('hour', ingested_at, 'UTC') AS hour,
           count(*) AS events, 0 AS deliveries, 0 AS successes, 0 AS durations, 0 AS duration_ms
      FROM user_events GROUP BY 1, 2
    UNION ALL
    SELECT d.user_id, date_trunc('hour', e.ingested_at, 'UTC'),
           0, count(*), count(*) FILTER (WHERE d.success), count(d.duration_ms), coalesce(sum(d.duration_ms), 0)
      FROM delivery_attempts d JOIN events e ON e.id = d.event_id GROUP BY 1, 2
  ) AS deltas
 GROUP BY user_id, hour ORDER BY user_id, hour;

INSERT INTO endpoint_hourly_stats
SELECT endpoint_id, date_trunc('hour', attempted_at, 'UTC'), 0,
       count(*), count(*) FILTER (WHERE success), count(duration_ms), coalesce(sum(duration_ms), 0)
  FROM delivery_attempts GROUP BY 1, 2 ORDER BY 1, 2;
