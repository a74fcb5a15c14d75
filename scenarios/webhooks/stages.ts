/** The ladder: the phases of the source document one after the other, and "after", which holds the rate. */
import type { JobSpec, Settings, StageSpec, TransactionBody } from 'pgrehearse';
import * as pages from './customer-pages.ts';
import * as document from './document-pages.ts';
import * as pipeline from './pipeline.ts';

/** The document's own, for a server with 8 GB; `tuned` in "after" is computed from the host instead. */
const documentSettings: Settings = {
  shared_buffers: '2GB',
  work_mem: '32MB',
  maintenance_work_mem: '512MB',
  effective_cache_size: '6GB',
  random_page_cost: 1.1,
  effective_io_concurrency: 200,
  max_parallel_workers_per_gather: 2,
  max_parallel_workers: 4,
};

/** Every five minutes, as the document says; the first time early enough for a run of a minute. */
const refreshStatistics: Record<string, JobSpec> = {
  refresh_statistics: {
    description: 'Refresh the materialised view and the last two days of the daily table',
    firstMs: 20_000,
    everyMs: 300_000,
    statements: [
      'REFRESH MATERIALIZED VIEW CONCURRENTLY user_recent_stats',
      `SELECT refresh_user_daily_stats((SELECT max(attempted_at) - INTERVAL '1 day' FROM delivery_attempts))`,
    ],
  },
};

const rewritesByUser: Record<string, TransactionBody> = {
  dashboard: document.dashboardByUser,
  event_list: document.eventListByUser,
  timeseries: document.timeseriesByUser,
};

const rewritesByKey: Record<string, TransactionBody> = {
  ...rewritesByUser,
  event_list: document.eventListByDelivery,
  endpoint_stats: document.endpointStatsByArray,
  endpoint_deliveries: document.endpointDeliveriesByKeyAndCount,
};

const byDeliveryTime = { dashboard: 'the last 24 hours count by the time of delivery, no longer by that of the event' };

const newestFirst = {
  event_list: 'before pages by random id (DISTINCT ON forces that order); now the newest events come first',
};

const documentPhase = { profile: 'stock', settings: documentSettings };

export const stages: StageSpec[] = [
  {
    name: 'before',
    description: 'As the document found it: four-table joins, unused indexes, default configuration',
    migrations: '001',
    profile: 'stock',
  },
  {
    name: 'phase-1',
    description: 'Its settings; indexes that show no scans dropped, one for time ranges added',
    migrations: '003',
    ...documentPhase,
  },
  {
    name: 'phase-2',
    description: 'user_id on deliveries, filled in batches, with its two indexes; statements as before',
    migrations: '008',
    ...documentPhase,
  },
  {
    name: 'phase-2-statistics',
    description: 'Its daily table and materialised view, which dashboards read; a job refreshes both',
    migrations: '009',
    ...documentPhase,
    rewrites: { dashboard: document.dashboardFromDailyTable },
    jobs: refreshStatistics,
    answersDiffer: {
      dashboard: 'as old as the last refresh, and an event that was delivered on two days counts twice in the total',
    },
  },
  {
    name: 'phase-3',
    description: 'Dashboards, lists and series ask by user_id; the daily table serves no statement',
    migrations: '009',
    ...documentPhase,
    rewrites: rewritesByUser,
    jobs: refreshStatistics,
    answersDiffer: byDeliveryTime,
  },
  {
    name: 'phase-3-covering',
    description: 'The same with one covering index by user and time in place of its two',
    migrations: '010',
    ...documentPhase,
    rewrites: rewritesByUser,
    jobs: refreshStatistics,
    answersDiffer: byDeliveryTime,
  },
  {
    name: 'phase-4',
    description: 'Pages by key, statistics of all endpoints in one query',
    migrations: '011',
    ...documentPhase,
    rewrites: rewritesByKey,
    jobs: refreshStatistics,
    answersDiffer: { ...byDeliveryTime, ...newestFirst },
  },
  {
    name: 'phase-5',
    description: 'Its autovacuum factors, and views that watch',
    migrations: '012',
    ...documentPhase,
    rewrites: rewritesByKey,
    jobs: refreshStatistics,
    answersDiffer: { ...byDeliveryTime, ...newestFirst },
  },
  {
    name: 'after',
    description: 'Statistics kept by the writers, routes of endpoints, pages by key, tuned configuration',
    migrations: 'latest',
    // 015 drops what the statements before need.
    takesOver: '014',
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
    answersDiffer: newestFirst,
  },
];

/** Stages whose deliveries know their user. */
export const stagesWithUser = stages.map(({ name }) => name).filter((name) => name !== 'before' && name !== 'phase-1');

/** Stages that have the document's daily table and its materialised view. */
export const stagesWithDailyTable = stages.filter(({ jobs }) => jobs !== undefined).map(({ name }) => name);
