/** How far behind the packets the statistics are right after the load, and how often a roll-up is written in place. */
import type { ReadingSpec } from 'pgrehearse';

export const readings: Record<string, ReadingSpec> = {
  packets_not_in_view: {
    description: 'Packets stored since hourly_packet_stats was refreshed',
    sql: 'SELECT (SELECT count(*) FROM packet_flow) - (SELECT coalesce(sum(packets), 0) FROM hourly_packet_stats)',
    unit: 'rows',
    stages: ['statistics', 'queries'],
  },
  operations_not_in_view: {
    description: 'Clearing operations ordered since mv_user_statistics was refreshed',
    sql: `SELECT (SELECT count(*) FROM clearing_operations WHERE deleted_at IS NULL)
               - (SELECT coalesce(sum(operations), 0) FROM mv_user_statistics)`,
    unit: 'rows',
    stages: ['statistics', 'queries', 'after'],
  },
  packets_not_in_rollup: {
    description: 'Packets that channel_performance has not counted',
    sql: 'SELECT (SELECT count(*) FROM packet_flow) - (SELECT coalesce(sum(packets_sent), 0) FROM channel_performance)',
    unit: 'rows',
    stages: ['statistics', 'queries', 'after'],
  },
  hot_updates: {
    description: 'Updates of channel_performance that wrote no index (HOT)',
    sql: `SELECT coalesce(n_tup_hot_upd::float / nullif(n_tup_upd, 0), 0)
            FROM pg_stat_user_tables WHERE relname = 'channel_performance'`,
    unit: 'share',
    stages: ['after'],
  },
};
