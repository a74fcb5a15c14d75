/** The ladder: one stage for each phase of the document that is SQL, between the service as it was and as it holds the rate. */
import type { StageSpec, TransactionBody } from 'pgrehearse';
import * as calls from './calls.ts';
import { cleanUp } from './jobs.ts';
import * as moderation from './moderation.ts';
import * as wallets from './wallets.ts';

/** What the columns and indexes of the document ask of the statements. */
const withDocumentIndexes: Record<string, TransactionBody> = {
  siwe_auth: wallets.siweAuthWithInstant,
  match_check: calls.matchCheckOfActiveBlocks,
  moderation_stats: moderation.moderationStatsByContainment,
};

/** Pages in index order; telemetry by the indexed expression, as it was asked for in the beginning. */
const withIndexesThatEarn: Record<string, TransactionBody> = {
  siwe_auth: wallets.siweAuthWithInstant,
  match_check: calls.matchCheckOfActiveBlocks,
  session_history: calls.sessionHistoryInOrder,
};

/** Of the document: 20 before, as the scenario's load has it. */
const largerPool = 50;

export const stages: StageSpec[] = [
  {
    name: 'before',
    description: 'As the document found it: primary keys only, default configuration',
    migrations: '001',
    profile: 'stock',
  },
  {
    name: 'pool',
    description: 'The same with a pool of 50 connections',
    migrations: '001',
    profile: 'stock',
    connections: largerPool,
  },
  {
    name: 'indexes',
    description: 'The columns of the document and its 41 indexes',
    migrations: '003',
    profile: 'stock',
    connections: largerPool,
    rewrites: withDocumentIndexes,
  },
  {
    name: 'partitions',
    description: 'Telemetry by month, with the indexes of the document on every partition',
    migrations: '004',
    profile: 'stock',
    connections: largerPool,
    rewrites: withDocumentIndexes,
  },
  {
    name: 'monitoring',
    description: 'Views to watch the database, and clean-up',
    migrations: '005',
    profile: 'stock',
    connections: largerPool,
    rewrites: withDocumentIndexes,
    jobs: cleanUp,
  },
  {
    name: 'lean',
    description: 'Nine indexes that earn their place instead of 41, walked in order',
    migrations: '007',
    profile: 'stock',
    connections: largerPool,
    // With 4, the default, PostgreSQL collects all calls of a wallet in a bitmap and sorts them, however few are wanted.
    settings: { random_page_cost: 1.1 },
    rewrites: withIndexesThatEarn,
    jobs: cleanUp,
  },
  {
    name: 'after',
    description: 'Lean, with room for updates on the page, early autovacuum and tuned configuration',
    migrations: 'latest',
    profile: 'tuned',
    connections: largerPool,
    rewrites: withIndexesThatEarn,
    jobs: cleanUp,
  },
];
