/** What customers look at: dashboard, events, series, endpoints; each as the document found it, and rewritten. */
import { defineRewrite, defineTransaction, type Draw } from 'pgrehearse';

/** Who looks at a page, and when. */
export interface Reader {
  userId: string;
  now: Date;
  whale: boolean;
}

/** 4 % of reads are the whale's, the rest fall on customers by a Zipf law. User row 0 is the whale. */
function drawReader(draw: Draw): Reader {
  const whale = draw.chance(0.04);
  const row = whale ? 0 : 1 + draw.zipf(draw.rows('users') - 1, 0.8);
  return { userId: draw.cell('users', 'id', row) as string, now: draw.now, whale };
}

/** Greater than any other: with the time "infinity" the key before the first page. */
export const lastUuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const byCustomer = ({ whale }: Reader) => (whale ? 'whale' : 'rest');

export const dashboard = defineTransaction({
  description: "A customer's dashboard: events, deliveries, active endpoints",
  weight: 15,
  access: 'read',
  params: drawReader,
  classify: byCustomer,
  statements: {
    eventsToday: `
      SELECT count(DISTINCT e.id) AS count
        FROM events e
        JOIN delivery_attempts da ON e.id = da.event_id
        JOIN endpoints ep ON da.endpoint_id = ep.id
        JOIN applications a ON ep.application_id = a.id
       WHERE a.user_id = $1 AND e.ingested_at >= $2::timestamptz - INTERVAL '24 hours'`,
    eventsTotal: `
      SELECT count(DISTINCT e.id) AS count
        FROM events e
        JOIN delivery_attempts da ON e.id = da.event_id
        JOIN endpoints ep ON da.endpoint_id = ep.id
        JOIN applications a ON ep.application_id = a.id
       WHERE a.user_id = $1`,
    deliveries: `
      SELECT count(*) AS total, count(*) FILTER (WHERE da.success) AS successful,
             round(avg(da.duration_ms), 2) AS average_ms
        FROM delivery_attempts da
        JOIN endpoints ep ON da.endpoint_id = ep.id
        JOIN applications a ON ep.application_id = a.id
       WHERE a.user_id = $1`,
    activeEndpoints: `
      SELECT count(*) AS count
        FROM endpoints ep JOIN applications a ON ep.application_id = a.id
       WHERE a.user_id = $1 AND ep.is_active`,
  },
  run: async (client, { userId, now }) => {
    const [today] = await client.query('eventsToday', [userId, now]);
    const [total] = await client.query('eventsTotal', [userId]);
    const [deliveries] = await client.query('deliveries', [userId]);
    const [endpoints] = await client.query('activeEndpoints', [userId]);
    return {
      eventsToday: today?.count,
      eventsTotal: total?.count,
      ...deliveries,
      activeEndpoints: endpoints?.count,
    };
  },
});

export const dashboardFromStatistics = defineRewrite({
  statements: {
    all: `
      WITH edge AS (SELECT $2::timestamptz - INTERVAL '24 hours' AS start,
                           date_trunc('hour', $2::timestamptz - INTERVAL '23 hours', 'UTC') AS first_hour),
           hours AS (
             SELECT coalesce(sum(event_count) FILTER (WHERE hour >= (SELECT first_hour FROM edge)), 0)::bigint AS whole_hours,
                    coalesce(sum(event_count), 0)::bigint AS "eventsTotal",
                    coalesce(sum(delivery_count), 0)::bigint AS total,
                    coalesce(sum(success_count), 0)::bigint AS successful,
                    round(sum(duration_sum_ms) / nullif(sum(duration_count), 0), 2) AS average_ms
               FROM user_hourly_stats WHERE user_id = $1)
      SELECT whole_hours + (SELECT count(*) FROM user_events u
                             WHERE u.user_id = $1 AND u.ingested_at >= (SELECT start FROM edge)
                               AND u.ingested_at < (SELECT first_hour FROM edge)) AS "eventsToday",
             "eventsTotal", total, successful, average_ms,
             (SELECT count(*) FROM endpoints ep JOIN applications a ON ep.application_id = a.id
               WHERE a.user_id = $1 AND ep.is_active) AS "activeEndpoints"
        FROM hours`,
  },
  run: async (client, { userId, now }: Reader) => (await client.query('all', [userId, now]))[0],
});

export const eventList = defineTransaction({
  description: "A page of a customer's events; one reader in five turns to the next page",
  weight: 12,
  access: 'read',
  params: (draw) => ({ ...drawReader(draw), pages: draw.chance(0.2) ? 2 : 1 }),
  classify: byCustomer,
  statements: {
    // The document's form: DISTINCT ON forces the order of random ids, so that pages follow no time at all.
    page: `
      SELECT DISTINCT ON (e.id) e.id, e.block_number, e.transaction_hash, e.log_index, e.contract_address, e.topics, e.ingested_at
        FROM events e
        JOIN delivery_attempts da ON e.id = da.event_id
        JOIN endpoints ep ON da.endpoint_id = ep.id
        JOIN applications a ON ep.application_id = a.id
       WHERE a.user_id = $1
       ORDER BY e.id, e.block_number DESC, e.log_index DESC
       LIMIT 50 OFFSET $2`,
  },
  run: async (client, { userId, pages }) => {
    const rows = await client.query('page', [userId, 0]);
    if (pages === 2) rows.push(...(await client.query('page', [userId, 50])));
    return rows;
  },
});

export const eventListByTime = defineRewrite({
  statements: {
    page: `
      SELECT e.id, e.block_number, e.transaction_hash, e.log_index, e.contract_address, e.topics, u.ingested_at
        FROM (SELECT event_id, ingested_at FROM user_events
               WHERE user_id = $1 AND (ingested_at, event_id) < ($2, $3)
               ORDER BY ingested_at DESC, event_id DESC LIMIT 50) AS u
        JOIN events e ON e.id = u.event_id
       ORDER BY u.ingested_at DESC, u.event_id DESC`,
  },
  run: async (client, { userId, pages }: Reader & { pages: number }) => {
    const rows = await client.query('page', [userId, 'infinity', lastUuid]);
    const end = rows.at(-1);
    if (pages === 2 && end) rows.push(...(await client.query('page', [userId, end.ingested_at, end.id])));
    return rows;
  },
});

export const timeseries = defineTransaction({
  description: 'Events and deliveries over a day by hour, or over a week or a month by day',
  weight: 6,
  access: 'read',
  params: (draw) => ({
    ...drawReader(draw),
    hours: draw.weighted([
      [24, 80],
      [168, 15],
      [720, 5],
    ]),
  }),
  classify: byCustomer,
  statements: {
    series: `
      SELECT date_trunc($1, e.ingested_at, 'UTC') AS time_bucket, count(DISTINCT e.id) AS event_count,
             count(da.id) AS delivery_count, count(*) FILTER (WHERE da.success) AS success_count,
             round(avg(da.duration_ms), 2) AS average_ms
        FROM events e
        LEFT JOIN delivery_attempts da ON e.id = da.event_id
        JOIN endpoints ep ON da.endpoint_id = ep.id
        JOIN applications a ON ep.application_id = a.id
       WHERE a.user_id = $2 AND e.ingested_at >= $4::timestamptz - make_interval(hours => $3)
       GROUP BY time_bucket ORDER BY time_bucket`,
  },
  run: (client, { userId, hours, now }) => client.query('series', [hours === 24 ? 'hour' : 'day', userId, hours, now]),
});

export const timeseriesFromStatistics = defineRewrite({
  statements: {
    // Whole hours from the statistics, the cut-off first hour of the window from the events themselves.
    series: `
      WITH edge AS (SELECT $4::timestamptz - make_interval(hours => $3) AS start,
                           date_trunc('hour', $4::timestamptz - make_interval(hours => $3 - 1), 'UTC') AS first_hour)
      SELECT date_trunc($1, at, 'UTC') AS time_bucket, sum(events)::bigint AS event_count,
             sum(deliveries)::bigint AS delivery_count, sum(successes)::bigint AS success_count,
             round(sum(duration_ms) / nullif(sum(durations), 0), 2) AS average_ms
        FROM (SELECT hour AS at, event_count AS events, delivery_count AS deliveries, success_count AS successes,
                     duration_count AS durations, duration_sum_ms AS duration_ms
                FROM user_hourly_stats WHERE user_id = $2 AND hour >= (SELECT first_hour FROM edge)
              UNION ALL
              SELECT ingested_at, 1, delivery_count, success_count, duration_count, duration_sum_ms
                FROM user_events
               WHERE user_id = $2 AND ingested_at >= (SELECT start FROM edge)
                 AND ingested_at < (SELECT first_hour FROM edge)) AS parts
       GROUP BY time_bucket ORDER BY time_bucket`,
  },
  run: (client, { userId, hours, now }: Reader & { hours: number }) =>
    client.query('series', [hours === 24 ? 'hour' : 'day', userId, hours, now]),
});

export const endpointStats = defineTransaction({
  description: "Statistics of the last day for each of a customer's endpoints",
  weight: 5,
  access: 'read',
  params: drawReader,
  classify: byCustomer,
  statements: {
    endpoints: `
      SELECT ep.id FROM endpoints ep JOIN applications a ON ep.application_id = a.id
       WHERE a.user_id = $1 ORDER BY ep.id`,
    one: `
      SELECT count(*) AS deliveries, count(*) FILTER (WHERE success) AS successes,
             round(avg(duration_ms), 2) AS average_ms, max(attempted_at) AS last_attempt_at
        FROM delivery_attempts
       WHERE endpoint_id = $1 AND attempted_at >= $2::timestamptz - INTERVAL '24 hours'`,
  },
  run: async (client, { userId, now }) => {
    const answer = [];
    for (const { id } of await client.query('endpoints', [userId])) {
      const [statistics] = await client.query('one', [id, now]);
      answer.push({ id, ...statistics });
    }
    return answer;
  },
});

export const endpointStatsInBulk = defineRewrite({
  statements: {
    all: `
      WITH edge AS (SELECT $2::timestamptz - INTERVAL '24 hours' AS start,
                           date_trunc('hour', $2::timestamptz - INTERVAL '23 hours', 'UTC') AS first_hour)
      SELECT ep.id, coalesce(sum(deliveries), 0)::bigint AS deliveries, coalesce(sum(successes), 0)::bigint AS successes,
             round(sum(duration_ms) / nullif(sum(durations), 0), 2) AS average_ms,
             (SELECT d.attempted_at FROM delivery_attempts d
               WHERE d.endpoint_id = ep.id AND d.attempted_at >= (SELECT start FROM edge)
               ORDER BY d.attempted_at DESC LIMIT 1) AS last_attempt_at
        FROM endpoints ep
        JOIN applications a ON ep.application_id = a.id
        LEFT JOIN LATERAL (
             SELECT delivery_count AS deliveries, success_count AS successes,
                    duration_count AS durations, duration_sum_ms AS duration_ms
               FROM endpoint_hourly_stats s WHERE s.endpoint_id = ep.id AND s.hour >= (SELECT first_hour FROM edge)
             UNION ALL
             SELECT 1, d.success::integer, (d.duration_ms IS NOT NULL)::integer, coalesce(d.duration_ms, 0)
               FROM delivery_attempts d
              WHERE d.endpoint_id = ep.id AND d.attempted_at >= (SELECT start FROM edge)
                AND d.attempted_at < (SELECT first_hour FROM edge)) AS parts ON true
       WHERE a.user_id = $1
       GROUP BY ep.id ORDER BY ep.id`,
  },
  run: (client, { userId, now }: Reader) => client.query('all', [userId, now]),
});

/** Who looks at the deliveries of an endpoint. */
export interface EndpointReader {
  endpointId: string;
  pages: number;
}

export const endpointDeliveries = defineTransaction({
  description: "An endpoint's deliveries, newest first, with their number; one reader in five turns the page",
  weight: 8,
  access: 'read',
  params: (draw): EndpointReader => ({
    endpointId: draw.cell('endpoints', 'id', draw.int(0, draw.rows('endpoints') - 1)) as string,
    pages: draw.chance(0.2) ? 2 : 1,
  }),
  statements: {
    count: 'SELECT count(*) AS count FROM delivery_attempts WHERE endpoint_id = $1',
    page: `
      SELECT id, event_id, attempt_number, http_status_code, attempted_at, duration_ms, success
        FROM delivery_attempts WHERE endpoint_id = $1
       ORDER BY attempted_at DESC, id DESC LIMIT 20 OFFSET $2`,
  },
  run: async (client, { endpointId, pages }) => {
    const [total] = await client.query('count', [endpointId]);
    const rows = await client.query('page', [endpointId, 0]);
    if (pages === 2) rows.push(...(await client.query('page', [endpointId, 20])));
    return { total: total?.count, rows };
  },
});

export const endpointDeliveriesByKey = defineRewrite({
  statements: {
    count: `
      SELECT coalesce(sum(delivery_count), 0)::bigint AS count FROM endpoint_hourly_stats WHERE endpoint_id = $1`,
    page: `
      SELECT id, event_id, attempt_number, http_status_code, attempted_at, duration_ms, success
        FROM delivery_attempts WHERE endpoint_id = $1 AND (attempted_at, id) < ($2, $3)
       ORDER BY attempted_at DESC, id DESC LIMIT 20`,
  },
  run: async (client, { endpointId, pages }: EndpointReader) => {
    const [total] = await client.query('count', [endpointId]);
    const rows = await client.query('page', [endpointId, 'infinity', lastUuid]);
    const end = rows.at(-1);
    if (pages === 2 && end) rows.push(...(await client.query('page', [endpointId, end.attempted_at, end.id])));
    return { total: total?.count, rows };
  },
});
