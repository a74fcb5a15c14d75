/**
 * Packets between chains at production size, from a guide to database optimisations, the source document: relayers carry
 * packets, wallets pay to clear those that are stuck. "before" is the first migration, "after" holds the rate.
 */
import { defineScenario, defineWorkload } from 'pgrehearse';
import { packetsSeed } from '../seeds/packets.ts';
import * as dashboards from './packets/dashboards.ts';
import * as operations from './packets/operations.ts';
import * as packets from './packets/packets.ts';
import { invariants } from './packets/invariants.ts';
import * as maintenance from './packets/maintenance.ts';
import { readings } from './packets/readings.ts';

const workload = defineWorkload({
  name: 'packets',
  migrations: 'migrations/packets',
  baseline: '001',
  seed: packetsSeed,
  transactions: {
    packet_ingest: packets.packetIngest,
    packet_advance: packets.packetAdvance,
    stuck_list: packets.stuckList,
    packet_lookup: packets.packetLookup,
    wallet_history: packets.walletHistory,
    user_ops: operations.userOps,
    clearing_lifecycle: operations.clearingLifecycle,
    refund_worker: operations.refundWorker,
    dashboards: dashboards.dashboards,
    rollup_upsert: dashboards.rollupUpsert,
  },
  invariants,
  readings,
});

export default defineScenario({
  name: 'packets',
  title: 'Packets between chains',
  description: '4 million packets on 600 channels, 800,000 clearing operations',
  workload,
  stages: [
    {
      name: 'before',
      description: 'Keys and the indexes of the first migration, default configuration',
      migrations: '001',
      profile: 'stock',
    },
    {
      name: 'document-indexes',
      description: 'The indexes that the document names, default configuration',
      migrations: '002',
      profile: 'stock',
    },
    {
      name: 'indexes',
      description: 'Indexes for what is asked instead, default configuration',
      migrations: '003',
      profile: 'stock',
    },
    {
      name: 'configuration',
      description: 'The same schema, with the configuration that the document recommends in figures of the host',
      migrations: '003',
      profile: 'tuned',
    },
    {
      name: 'statistics',
      description:
        'Materialised views and roll-ups as the document has them, refreshed by a job: dashboards read no packets',
      migrations: '005',
      profile: 'tuned',
      rewrites: { dashboards: dashboards.dashboardsFromStatistics },
      jobs: maintenance.refreshingJobs,
    },
    {
      name: 'queries',
      description: 'Roll-ups in one statement, pages by key, and refund workers that skip what others hold',
      migrations: '006',
      profile: 'tuned',
      rewrites: {
        dashboards: dashboards.dashboardsFromStatistics,
        refund_worker: operations.refundWorkerSkipping,
        user_ops: operations.userOpsByKey,
        rollup_upsert: dashboards.rollupUpsertInOne,
      },
      jobs: maintenance.refreshingJobs,
    },
    {
      name: 'after',
      description: 'Roll-ups of channels and relayers kept by the writers of packets; maintenance only adds them up',
      migrations: 'latest',
      profile: 'tuned',
      rewrites: {
        dashboards: dashboards.dashboardsFromRollups,
        refund_worker: operations.refundWorkerSkipping,
        user_ops: operations.userOpsByKey,
        rollup_upsert: dashboards.rollupUpsertInOne,
      },
      jobs: maintenance.addingJobs,
    },
  ],
  load: { ratePerSecond: 1000, durationMs: 60_000, connections: 25, statementTimeoutMs: 5_000 },
  slo: { percentile: 95, limitMs: 50 },
});
