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
      name: 'after',
      description: 'Statistics of complete hours, roll-ups in one statement, a refund queue, tuned configuration',
      migrations: 'latest',
      profile: 'tuned',
      rewrites: {
        dashboards: dashboards.dashboardsFromStatistics,
        refund_worker: operations.refundWorkerSkipping,
        rollup_upsert: dashboards.rollupUpsertInOne,
      },
    },
  ],
  load: { ratePerSecond: 1000, durationMs: 60_000, connections: 25, statementTimeoutMs: 5_000 },
  slo: { percentile: 95, limitMs: 50 },
});
