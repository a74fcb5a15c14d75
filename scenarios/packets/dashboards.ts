/** Figures over a day of complete hours, and the daily roll-up that writers keep. */
import { defineRewrite, defineTransaction, type Draw } from 'pgrehearse';

const boards = ['overview', 'congested', 'leaderboard'] as const;
type Board = (typeof boards)[number];

const lastDay = (column: string) => `
  ${column} >= date_trunc('hour', $1::timestamptz, 'UTC') - INTERVAL '24 hours' AND ${column} < date_trunc('hour', $1::timestamptz, 'UTC')`;

const drawBoard = (draw: Draw) => ({
  board: draw.weighted<Board>([
    ['overview', 50],
    ['congested', 25],
    ['leaderboard', 25],
  ]),
  now: draw.now,
});

export const dashboards = defineTransaction({
  description: 'Packets of the last day by chain, the channels with most stuck packets, or the busiest relayers',
  weight: 5,
  access: 'read',
  params: drawBoard,
  classify: ({ board }) => board,
  statements: {
    overview: `
      SELECT src_chain_id, count(*) AS packets, count(*) FILTER (WHERE status = 'cleared') AS cleared
        FROM packet_flow WHERE ${lastDay('created_at')} GROUP BY 1 ORDER BY 1`,
    congested: `
      SELECT src_chain_id, src_channel_id, count(*) FILTER (WHERE status = 'stuck') AS stuck
        FROM packet_flow WHERE ${lastDay('created_at')} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20`,
    leaderboard: `
      SELECT relayer_address, count(*) AS packets
        FROM packet_flow WHERE ${lastDay('created_at')} AND relayer_address IS NOT NULL
       GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20`,
  },
  run: (client, { board, now }) => client.query(board, [now]),
});

export const dashboardsFromStatistics = defineRewrite({
  statements: {
    overview: `
      SELECT src_chain_id, sum(packets)::bigint AS packets, sum(cleared)::bigint AS cleared
        FROM hourly_packet_stats WHERE ${lastDay('hour')} GROUP BY 1 ORDER BY 1`,
    congested: `
      SELECT src_chain_id, src_channel_id, sum(stuck)::bigint AS stuck
        FROM hourly_packet_stats WHERE ${lastDay('hour')} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20`,
    leaderboard: `
      SELECT relayer_address, sum(packets)::bigint AS packets
        FROM hourly_relayer_stats WHERE ${lastDay('hour')} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20`,
  },
  run: (client, { board, now }: { board: Board; now: Date }) => client.query(board, [now]),
});

export const rollupUpsert = defineTransaction({
  description: "Add to today's roll-up of 20 to 60 chains",
  weight: 2,
  access: 'write',
  atomic: true,
  // The first rows of network_stats are one day of each chain. Sorted, so that two roll-ups cannot wait for each other.
  params: (draw) => ({
    chains: Array.from({ length: draw.int(20, 60) }, (_, row) =>
      String(draw.cell('network_stats', 'chain_id', row)),
    ).sort(),
    now: draw.now,
  }),
  statements: {
    upsert: `
      INSERT INTO network_stats (chain_id, network_name, date, total_packets)
      VALUES ($1, $1, ($2::timestamptz AT TIME ZONE 'UTC')::date, 1)
      ON CONFLICT (chain_id, date) DO UPDATE SET total_packets = network_stats.total_packets + 1`,
  },
  run: async (client, { chains, now }) => {
    for (const chain of chains) await client.query('upsert', [chain, now]);
  },
});

/** D:99: the same rows in one statement. */
export const rollupUpsertInOne = defineRewrite({
  statements: {
    upsert: `
      INSERT INTO network_stats (chain_id, network_name, date, total_packets)
      SELECT chain, chain, ($2::timestamptz AT TIME ZONE 'UTC')::date, 1 FROM unnest($1::text[]) AS chain
      ON CONFLICT (chain_id, date) DO UPDATE SET total_packets = network_stats.total_packets + 1`,
  },
  run: (client, { chains, now }: { chains: string[]; now: Date }) => client.query('upsert', [chains, now]),
});
