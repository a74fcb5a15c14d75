/** What the source document schedules with pg_cron (D:136 to D:141), run beside the load. */
import type { JobSpec } from 'pgrehearse';

/**
 * Yesterday is the day before the newest packet's. Not CURRENT_DATE as in the service: the day has to be complete, and the seed's
 * "now" is not the clock's.
 */
const rollUpYesterday = `
  SELECT aggregate_daily_stats(day, day)
    FROM (SELECT (created_at AT TIME ZONE 'UTC')::date - 1 AS day FROM packet_flow ORDER BY id DESC LIMIT 1) newest`;

/** Hourly and daily in the document; a run lasts a minute or so. */
export const refreshingJobs: Record<string, JobSpec> = {
  refresh_views: {
    description: 'Refresh the materialised views, readers go on',
    everyMs: 30_000,
    firstMs: 1_000,
    statements: [
      'REFRESH MATERIALIZED VIEW CONCURRENTLY hourly_packet_stats',
      'REFRESH MATERIALIZED VIEW CONCURRENTLY mv_user_statistics',
    ],
  },
  roll_up_yesterday: {
    description: 'Count the packets of the last complete day anew',
    everyMs: 30_000,
    firstMs: 2_000,
    statements: [rollUpYesterday],
  },
};

export const addingJobs: Record<string, JobSpec> = {
  roll_up_yesterday: {
    description: 'Add up the channels of the last complete day for each chain',
    everyMs: 30_000,
    firstMs: 1_000,
    statements: [rollUpYesterday],
  },
  vacuum_rollups: {
    description: 'Vacuum the tables that are updated most',
    everyMs: 30_000,
    firstMs: 2_000,
    statements: ['VACUUM channel_performance, relayer_performance, network_stats', 'VACUUM refunds'],
  },
};
