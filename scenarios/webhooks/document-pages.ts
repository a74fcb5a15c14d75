/** The pages as the source document rewrites them in its phases 2 to 4, corrected only where its own form would be wrong. */
import { defineRewrite } from 'pgrehearse';
import {
  dashboard,
  endpointDeliveries,
  endpointDeliveriesByKey,
  eventList,
  lastUuid,
  timeseries,
  type EndpointReader,
  type Reader,
} from './customer-pages.ts';

/** Phase 2: from the daily table and the materialised view. Days are added up, so an event of two days counts twice. */
export const dashboardFromDailyTable = defineRewrite({
  statements: {
    all: `
      SELECT coalesce((SELECT event_count_24h FROM user_recent_stats WHERE user_id = $1), 0) AS "eventsToday",
             coalesce(sum(event_count), 0)::bigint AS "eventsTotal",
             coalesce(sum(delivery_count), 0)::bigint AS total,
             coalesce(sum(successful_deliveries), 0)::bigint AS successful,
             round((sum(avg_duration_ms * delivery_count) / nullif(sum(delivery_count), 0))::numeric, 2) AS average_ms,
             (SELECT count(*) FROM endpoints ep JOIN applications a ON ep.application_id = a.id
               WHERE a.user_id = $1 AND ep.is_active) AS "activeEndpoints"
        FROM user_daily_stats WHERE user_id = $1`,
  },
  run: async (client, { userId }: Reader) => (await client.query('all', [userId]))[0],
});

/** Phase 3: user_id instead of three joins. */
export const dashboardByUser = defineRewrite({
  statements: {
    ...dashboard.statements,
    eventsToday: `
      SELECT count(DISTINCT event_id) AS count
        FROM delivery_attempts
       WHERE user_id = $1 AND attempted_at >= $2::timestamptz - INTERVAL '24 hours'`,
    eventsTotal: 'SELECT count(DISTINCT event_id) AS count FROM delivery_attempts WHERE user_id = $1',
    deliveries: `
      SELECT count(*) AS total, count(*) FILTER (WHERE success) AS successful, round(avg(duration_ms), 2) AS average_ms
        FROM delivery_attempts WHERE user_id = $1`,
  },
  run: (client, reader: Reader) => dashboard.run(client, reader),
});

/** Phase 3: two of the joins go, the order by random id stays. */
export const eventListByUser = defineRewrite({
  statements: {
    page: `
      SELECT DISTINCT ON (e.id) e.id, e.block_number, e.transaction_hash, e.log_index, e.contract_address, e.topics, e.ingested_at
        FROM events e JOIN delivery_attempts da ON e.id = da.event_id
       WHERE da.user_id = $1
       ORDER BY e.id, e.block_number DESC, e.log_index DESC
       LIMIT 50 OFFSET $2`,
  },
  run: (client, reader: Reader & { pages: number }) => eventList.run(client, reader),
});

/** Phase 3: an event is delivered after it came in, so the bound on attempted_at loses no row and can use an index. */
export const timeseriesByUser = defineRewrite({
  statements: {
    series: `
      SELECT date_trunc($1, e.ingested_at, 'UTC') AS time_bucket, count(DISTINCT e.id) AS event_count,
             count(da.id) AS delivery_count, count(*) FILTER (WHERE da.success) AS success_count,
             round(avg(da.duration_ms), 2) AS average_ms
        FROM delivery_attempts da JOIN events e ON e.id = da.event_id
       WHERE da.user_id = $2
         AND da.attempted_at >= $4::timestamptz - make_interval(hours => $3)
         AND e.ingested_at >= $4::timestamptz - make_interval(hours => $3)
       GROUP BY time_bucket ORDER BY time_bucket`,
  },
  run: (client, reader: Reader & { hours: number }) => timeseries.run(client, reader),
});

/**
 * Phase 4: pages by key. The document's predicate knows no user and would list everybody's events; here it stands on the
 * user's deliveries, and an event that was delivered several times is listed at the last of them.
 */
export const eventListByDelivery = defineRewrite({
  statements: {
    // OFFSET 0 keeps the look at later deliveries a look-up for each row, instead of a join with all of the user's rows.
    page: `
      SELECT e.id, e.block_number, e.transaction_hash, e.log_index, e.contract_address, e.topics, e.ingested_at,
             page.attempted_at, page.id AS delivery_id
        FROM (SELECT d.id, d.event_id, d.attempted_at
                FROM delivery_attempts d
               WHERE d.user_id = $1 AND (d.attempted_at, d.id) < ($2, $3)
                 AND NOT EXISTS (SELECT 1 FROM delivery_attempts f
                                  WHERE f.event_id = d.event_id AND f.user_id = d.user_id
                                    AND (f.attempted_at, f.id) > (d.attempted_at, d.id) OFFSET 0)
               ORDER BY d.attempted_at DESC, d.id DESC LIMIT 50) AS page
        JOIN events e ON e.id = page.event_id
       ORDER BY page.attempted_at DESC, page.id DESC`,
  },
  run: async (client, { userId, pages }: Reader & { pages: number }) => {
    const rows = await client.query('page', [userId, 'infinity', lastUuid]);
    const end = rows.at(-1);
    if (pages === 2 && end) rows.push(...(await client.query('page', [userId, end.attempted_at, end.delivery_id])));
    return rows;
  },
});

/** Phase 4: one query for the statistics of all endpoints instead of one for each. */
export const endpointStatsByArray = defineRewrite({
  statements: {
    endpoints: `
      SELECT ep.id FROM endpoints ep JOIN applications a ON ep.application_id = a.id
       WHERE a.user_id = $1 ORDER BY ep.id`,
    bulk: `
      SELECT ep.id, count(d.id) AS deliveries, count(*) FILTER (WHERE d.success) AS successes,
             round(avg(d.duration_ms), 2) AS average_ms, max(d.attempted_at) AS last_attempt_at
        FROM unnest($1::uuid[]) AS ep (id)
        LEFT JOIN delivery_attempts d
               ON d.endpoint_id = ep.id AND d.attempted_at >= $2::timestamptz - INTERVAL '24 hours'
       GROUP BY ep.id ORDER BY ep.id`,
  },
  run: async (client, { userId, now }: Reader) => {
    const endpoints = await client.query('endpoints', [userId]);
    return client.query('bulk', [endpoints.map(({ id }) => id), now]);
  },
});

/** Phase 4: pages by key, the number of deliveries still counted. */
export const endpointDeliveriesByKeyAndCount = defineRewrite({
  statements: { count: endpointDeliveries.statements.count, page: endpointDeliveriesByKey.statements.page },
  run: (client, reader: EndpointReader) => endpointDeliveriesByKey.run(client, reader),
});
