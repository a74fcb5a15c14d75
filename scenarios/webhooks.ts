/**
 * A webhook delivery service at production size, from a real optimisation plan, the source document: events arrive, are
 * matched with endpoints and delivered; customers watch dashboards. "before" is the service as the plan found it, "after"
 * holds the rate.
 *
 * One customer, the whale, owns most of the events: figures are reported for it and for the rest apart.
 */
import { defineScenario, defineWorkload } from 'pgrehearse';
import { webhooksSeed } from '../seeds/webhooks.ts';
import { claims } from './webhooks/claims.ts';
import * as pages from './webhooks/customer-pages.ts';
import * as pipeline from './webhooks/pipeline.ts';

const webhooks = defineWorkload({
  name: 'webhooks',
  migrations: 'migrations/webhooks',
  baseline: '001',
  seed: webhooksSeed,
  transactions: {
    event_ingest: pipeline.eventIngest,
    delivery_log: pipeline.deliveryLog,
    endpoint_match: pipeline.endpointMatch,
    dashboard: pages.dashboard,
    event_list: pages.eventList,
    timeseries: pages.timeseries,
    endpoint_stats: pages.endpointStats,
    endpoint_deliveries: pages.endpointDeliveries,
    retry_poll: pipeline.retryPoll,
  },
  invariants: {
    success_means_2xx: {
      description: 'A delivery is a success exactly when the status is 2xx',
      sql: `SELECT id, success, http_status_code FROM delivery_attempts
             WHERE success IS DISTINCT FROM coalesce(http_status_code BETWEEN 200 AND 299, false) LIMIT 5`,
    },
    user_owns_endpoint: {
      description: "user_id of every attempt is the owner of the endpoint's application",
      stages: ['after'],
      sql: `SELECT d.id, d.user_id, a.user_id AS owner
              FROM delivery_attempts d JOIN endpoints ep ON ep.id = d.endpoint_id
              JOIN applications a ON a.id = ep.application_id
             WHERE d.user_id IS DISTINCT FROM a.user_id LIMIT 5`,
    },
    statistics_count_every_delivery: {
      description: "Each user's hourly statistics add up to the user's deliveries, successes and distinct events",
      stages: ['after'],
      sql: `SELECT user_id, kept.*, counted.*
              FROM (SELECT user_id, sum(delivery_count) AS deliveries, sum(success_count) AS successes, sum(event_count) AS events
                      FROM user_hourly_stats GROUP BY user_id) AS kept
              FULL JOIN (SELECT user_id, sum(deliveries) AS deliveries, sum(successes) AS successes, count(*) AS events
                           FROM (SELECT user_id, event_id, count(*) AS deliveries, count(*) FILTER (WHERE success) AS successes
                                   FROM delivery_attempts GROUP BY user_id, event_id) AS pairs
                          GROUP BY user_id) AS counted USING (user_id)
             WHERE (kept.deliveries, kept.successes, kept.events)
                   IS DISTINCT FROM (counted.deliveries, counted.successes, counted.events) LIMIT 5`,
    },
    endpoint_statistics_count_every_delivery: {
      description: "Each endpoint's hourly statistics add up to its deliveries",
      stages: ['after'],
      sql: `SELECT endpoint_id, kept.deliveries, counted.deliveries AS counted
              FROM (SELECT endpoint_id, sum(delivery_count) AS deliveries FROM endpoint_hourly_stats GROUP BY 1) AS kept
              FULL JOIN (SELECT endpoint_id, count(*) AS deliveries FROM delivery_attempts GROUP BY 1) AS counted USING (endpoint_id)
             WHERE kept.deliveries IS DISTINCT FROM counted.deliveries LIMIT 5`,
    },
  },
});

export default defineScenario({
  name: 'webhooks',
  title: 'Webhook delivery service',
  description: '4.7 million events, 5.6 million delivery attempts, one customer with most of them',
  workload: webhooks,
  stages: [
    {
      name: 'before',
      description: 'As the document found it: four-table joins, unused indexes, default configuration',
      migrations: '001',
      profile: 'stock',
    },
    {
      name: 'after',
      description: 'Statistics kept by the writers, user_id on deliveries, pages by key, tuned configuration',
      migrations: 'latest',
      profile: 'tuned',
      rewrites: {
        endpoint_match: pipeline.endpointMatchByRoute,
        dashboard: pages.dashboardFromStatistics,
        event_list: pages.eventListByTime,
        timeseries: pages.timeseriesFromStatistics,
        endpoint_stats: pages.endpointStatsInBulk,
        endpoint_deliveries: pages.endpointDeliveriesByKey,
        retry_poll: pipeline.retryPollSkipping,
      },
      answersDiffer: {
        event_list: 'before pages by random id (DISTINCT ON forces that order); after lists the newest events first',
      },
    },
  ],
  load: { ratePerSecond: 1000, durationMs: 60_000, connections: 16, statementTimeoutMs: 5_000 },
  slo: { percentile: 95, limitMs: 50 },
  claims,
});
