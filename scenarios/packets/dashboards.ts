/** Figures over complete hours and days, and the daily roll-up of chains. */
import { defineRewrite, defineTransaction, type Draw } from 'pgrehearse';

const boards = ['overview', 'congested', 'leaderboard'] as const;
type Board = (typeof boards)[number];

const lastDay = (column: string) => `
  ${column} >= date_trunc('hour', $1::timestamptz, 'UTC') - INTERVAL '24 hours' AND ${column} < date_trunc('hour', $1::timestamptz, 'UTC')`;

/** The day before, UTC. */
const yesterday = `
  created_at >= date_trunc('day', $1::timestamptz, 'UTC') - INTERVAL '1 day' AND created_at < date_trunc('day', $1::timestamptz, 'UTC')`;

const drawBoard = (draw: Draw) => ({
  board: draw.weighted<Board>([
    ['overview', 50],
    ['congested', 25],
    ['leaderboard', 25],
  ]),
  now: draw.now,
});

export const dashboards = defineTransaction({
  description:
    'Packets of the last 24 hours by chain, the channels with most stuck packets, or the busiest relayers of yesterday',
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
        FROM packet_flow WHERE ${yesterday} AND relayer_address IS NOT NULL
       GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20`,
  },
  run: (client, { board, now }) => client.query(board, [now]),
});

/** The order of the roll-up's key: its index finds the rows of an hour on. */
const lastDayOfChannels = `
  (date, hour) >= (($1::timestamptz AT TIME ZONE 'UTC')::date - 1, extract(hour FROM $1::timestamptz AT TIME ZONE 'UTC')::integer) AND
  (date, hour) < (($1::timestamptz AT TIME ZONE 'UTC')::date, extract(hour FROM $1::timestamptz AT TIME ZONE 'UTC')::integer)`;

const leaderboardFromRollup = `
  SELECT relayer_address, sum(packets_relayed)::bigint AS packets
    FROM relayer_performance WHERE date = ($1::timestamptz AT TIME ZONE 'UTC')::date - 1
   GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20`;

/** D:117 and D:26: what the maintenance job has counted, as old as its last run. */
export const dashboardsFromStatistics = defineRewrite({
  statements: {
    overview: `
      SELECT src_chain_id, sum(packets)::bigint AS packets, sum(cleared)::bigint AS cleared
        FROM hourly_packet_stats WHERE ${lastDay('hour')} GROUP BY 1 ORDER BY 1`,
    congested: `
      SELECT src_chain_id, src_channel_id, sum(stuck)::bigint AS stuck
        FROM hourly_packet_stats WHERE ${lastDay('hour')} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20`,
    leaderboard: leaderboardFromRollup,
  },
  run: (client, { board, now }: { board: Board; now: Date }) => client.query(board, [now]),
});

/** What the writers of packets keep. */
export const dashboardsFromRollups = defineRewrite({
  statements: {
    overview: `
      SELECT src_chain_id, sum(packets_sent)::bigint AS packets, sum(packets_cleared)::bigint AS cleared
        FROM channel_performance WHERE ${lastDayOfChannels} GROUP BY 1 ORDER BY 1`,
    congested: `
      SELECT src_chain_id, src_channel_id, sum(packets_stuck)::bigint AS stuck
        FROM channel_performance WHERE ${lastDayOfChannels} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20`,
    leaderboard: leaderboardFromRollup,
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
