-- Statistics that the writers keep, instead of a materialised view that is minutes old and a daily table that nobody
-- fills. Sums and counts, never averages: they add up over hours.
--
-- An event counts once for a user however often it was delivered, and in the hour in which it was ingested. That is what
-- makes distinct counts additive: each (user, event) belongs to exactly one hour.

-- Events of a user, newest first, with what became of them. ingested_at follows from event_id, so the key is unique by
-- (user_id, event_id) too and one index serves the upsert, the event list and the edges of a time window. It is built
-- below, once the table is full: sorting five million keys is faster than finding a place for each.
CREATE TABLE user_events (
    user_id         uuid NOT NULL,
    ingested_at     timestamptz NOT NULL,
    event_id        uuid NOT NULL,
    delivery_count  integer NOT NULL,
    success_count   integer NOT NULL,
    duration_count  integer NOT NULL,
    duration_sum_ms bigint NOT NULL
);

-- Slots spread one busy row (the largest customer has most of the traffic) over several, so that writers do not queue
-- for its lock until each other's commit. Slot 0 holds the history.
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
) WITH (fillfactor = 80);

CREATE TABLE endpoint_hourly_stats (
    endpoint_id     uuid NOT NULL,
    hour            timestamptz NOT NULL,
    slot            smallint NOT NULL,
    delivery_count  bigint NOT NULL,
    success_count   bigint NOT NULL,
    duration_count  bigint NOT NULL,
    duration_sum_ms bigint NOT NULL,
    PRIMARY KEY (endpoint_id, hour, slot)
) WITH (fillfactor = 80);

-- Once for each statement, not for each row; ordered, so that two writers take row locks in the same order.
CREATE FUNCTION count_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    my_slot CONSTANT smallint := pg_backend_pid() % 8 + 1;
BEGIN
    WITH counted AS (
        SELECT n.user_id, e.ingested_at, n.event_id, count(*)::integer AS deliveries,
               (count(*) FILTER (WHERE n.success))::integer AS successes,
               count(n.duration_ms)::integer AS durations, coalesce(sum(n.duration_ms), 0) AS duration_ms
          FROM added n JOIN events e ON e.id = n.event_id
         GROUP BY 1, 2, 3
    ), kept AS (
        INSERT INTO user_events AS u
        SELECT * FROM counted ORDER BY user_id, ingested_at, event_id
            ON CONFLICT (user_id, ingested_at, event_id) DO UPDATE
           SET delivery_count  = u.delivery_count + excluded.delivery_count,
               success_count   = u.success_count + excluded.success_count,
               duration_count  = u.duration_count + excluded.duration_count,
               duration_sum_ms = u.duration_sum_ms + excluded.duration_sum_ms
        RETURNING user_id, event_id, delivery_count
    )
    INSERT INTO user_hourly_stats AS s
    SELECT c.user_id, date_trunc('hour', c.ingested_at, 'UTC'), my_slot,
           count(*) FILTER (WHERE k.delivery_count = c.deliveries),  -- no deliveries before this statement: a new event
           sum(c.deliveries), sum(c.successes), sum(c.durations), sum(c.duration_ms)
      FROM counted c JOIN kept k USING (user_id, event_id)
     GROUP BY 1, 2 ORDER BY 1, 2
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

INSERT INTO user_events
SELECT d.user_id, e.ingested_at, d.event_id,
       count(*), count(*) FILTER (WHERE d.success), count(d.duration_ms), coalesce(sum(d.duration_ms), 0)
  FROM delivery_attempts d JOIN events e ON e.id = d.event_id
 GROUP BY 1, 2, 3 ORDER BY 2, 3, 1;  -- in order of time, as new rows will come
ALTER TABLE user_events ADD PRIMARY KEY (user_id, ingested_at, event_id);

INSERT INTO user_hourly_stats
SELECT user_id, date_trunc('hour', ingested_at, 'UTC'), 0,
       count(*), sum(delivery_count), sum(success_count), sum(duration_count), sum(duration_sum_ms)
  FROM user_events GROUP BY 1, 2 ORDER BY 1, 2;

INSERT INTO endpoint_hourly_stats
SELECT endpoint_id, date_trunc('hour', attempted_at, 'UTC'), 0,
       count(*), count(*) FILTER (WHERE success), count(duration_ms), coalesce(sum(duration_ms), 0)
  FROM delivery_attempts GROUP BY 1, 2 ORDER BY 1, 2;
