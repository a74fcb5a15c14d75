/**
 * A webhook delivery service at production size, from a real optimisation plan, the source document: events arrive, are
 * matched with endpoints and delivered; customers watch dashboards. "before" is the service as the plan found it, then come
 * the plan's phases, and "after" holds the rate.
 *
 * One customer, the whale, owns most of the events: figures are reported for it and for the rest apart.
 */
import { defineScenario, defineWorkload } from 'pgrehearse';
import { webhooksSeed } from '../seeds/webhooks.ts';
import { claims } from './webhooks/claims.ts';
import * as pages from './webhooks/customer-pages.ts';
import { invariants } from './webhooks/invariants.ts';
import * as pipeline from './webhooks/pipeline.ts';
import { readings } from './webhooks/readings.ts';
import { stages } from './webhooks/stages.ts';

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
  invariants,
  readings,
});

export default defineScenario({
  name: 'webhooks',
  title: 'Webhook delivery service',
  description: '4.7 million events, 5.6 million delivery attempts, one customer with most of them',
  workload: webhooks,
  stages,
  load: { ratePerSecond: 1000, durationMs: 60_000, connections: 16, statementTimeoutMs: 5_000 },
  slo: { percentile: 95, limitMs: 50 },
  claims,
});
