/** What must hold of the packets before and after the load. */
import type { InvariantSpec } from 'pgrehearse';

export const invariants: Record<string, InvariantSpec> = {
  times_in_order: {
    description:
      'A packet is created, then received, then cleared; it has a time of clearing exactly when it is cleared',
    sql: `SELECT id, status, created_at, received_at, cleared_at FROM packet_flow
           WHERE received_at < created_at OR cleared_at < received_at
              OR (status = 'cleared') <> (cleared_at IS NOT NULL) LIMIT 5`,
  },
  completed_means_paid: {
    description: 'Every completed operation has a verified payment',
    sql: `SELECT o.clearing_token FROM clearing_operations o
           WHERE o.clearing_status = 'completed'
             AND NOT EXISTS (SELECT FROM payment_transactions p WHERE p.clearing_token = o.clearing_token AND p.verified) LIMIT 5`,
  },
  refunded_once: {
    description: 'No operation is refunded twice',
    sql: 'SELECT clearing_token FROM refunds GROUP BY 1 HAVING count(*) > 1 LIMIT 5',
  },
  refunds_have_errors: {
    description: 'What is refunded failed with an error',
    sql: `SELECT r.clearing_token FROM refunds r
           WHERE NOT EXISTS (SELECT FROM clearing_errors e WHERE e.clearing_token = r.clearing_token) LIMIT 5`,
  },
  once_for_each_key: {
    description: 'A packet is stored once for its chain, channel and sequence',
    sql: `SELECT src_chain_id, src_channel_id, sequence FROM packet_flow GROUP BY 1, 2, 3 HAVING count(*) > 1 LIMIT 5`,
  },
  stuck_has_a_time: {
    description: 'A packet that is stuck has been so since some time after it was created',
    sql: `SELECT id, created_at, stuck_at FROM packet_flow
           WHERE (status = 'stuck' AND stuck_at IS NULL) OR stuck_at < created_at LIMIT 5`,
  },
  payments_have_operations: {
    description: 'Every payment belongs to an operation, and to the wallet that ordered it',
    sql: `SELECT p.tx_hash FROM payment_transactions p LEFT JOIN clearing_operations o USING (clearing_token)
           WHERE o.wallet_address IS DISTINCT FROM p.sender_address LIMIT 5`,
  },
  complete_days_are_counts: {
    description: 'The packets of a chain on a complete day are as many as network_stats says',
    sql: `WITH newest AS (SELECT (created_at AT TIME ZONE 'UTC')::date AS day FROM packet_flow ORDER BY id DESC LIMIT 1),
               counted AS (SELECT src_chain_id AS chain_id, (created_at AT TIME ZONE 'UTC')::date AS date, count(*) AS packets
                             FROM packet_flow GROUP BY 1, 2)
          SELECT chain_id, date, c.packets, s.total_packets
            FROM counted c LEFT JOIN network_stats s USING (chain_id, date)
           WHERE date < (SELECT day FROM newest) AND s.total_packets IS DISTINCT FROM c.packets LIMIT 5`,
    stages: ['statistics', 'queries', 'after'],
  },
  channels_are_counts: {
    description: 'The roll-up of every channel and hour is the count of its packets',
    sql: `WITH counted AS (
            SELECT src_chain_id, dst_chain_id, src_channel_id, dst_channel_id, (created_at AT TIME ZONE 'UTC')::date AS date,
                   extract(hour FROM created_at AT TIME ZONE 'UTC')::integer AS hour, count(*) AS sent,
                   count(*) FILTER (WHERE status = 'cleared') AS cleared, count(*) FILTER (WHERE status = 'stuck') AS stuck,
                   count(*) FILTER (WHERE status = 'failed') AS failed, coalesce(sum(extract(epoch FROM cleared_at - created_at)), 0) AS seconds
              FROM packet_flow GROUP BY 1, 2, 3, 4, 5, 6)
          SELECT src_chain_id, src_channel_id, date, hour, c.sent, r.packets_sent
            FROM counted c
            FULL JOIN channel_performance r USING (src_chain_id, dst_chain_id, src_channel_id, dst_channel_id, date, hour)
           WHERE (coalesce(c.sent, 0), coalesce(c.cleared, 0), coalesce(c.stuck, 0), coalesce(c.failed, 0), coalesce(c.seconds, 0))
                 IS DISTINCT FROM (r.packets_sent, r.packets_cleared, r.packets_stuck, r.packets_failed, r.clear_seconds) LIMIT 5`,
    stages: ['after'],
  },
  relayers_are_counts: {
    description: 'The roll-up of every relayer, chain and day is the count of its packets',
    sql: `WITH counted AS (
            SELECT relayer_address, src_chain_id AS chain_id, (created_at AT TIME ZONE 'UTC')::date AS date, count(*) AS relayed,
                   count(*) FILTER (WHERE status = 'cleared') AS won,
                   coalesce(sum(extract(epoch FROM received_at - created_at)), 0) AS seconds
              FROM packet_flow WHERE relayer_address IS NOT NULL GROUP BY 1, 2, 3)
          SELECT relayer_address, chain_id, date, c.relayed, r.packets_relayed
            FROM counted c FULL JOIN relayer_performance r USING (relayer_address, chain_id, date)
           WHERE (coalesce(c.relayed, 0), coalesce(c.won, 0), coalesce(c.seconds, 0))
                 IS DISTINCT FROM (r.packets_relayed, r.packets_won, r.response_seconds) LIMIT 5`,
    stages: ['after'],
  },
  scores_in_range: {
    description: 'Scores and rates are between 0 and 100',
    sql: `SELECT score FROM (
            SELECT congestion_score AS score FROM channel_performance UNION ALL SELECT success_rate FROM channel_performance
            UNION ALL SELECT success_rate FROM relayer_performance UNION ALL SELECT reputation_score FROM relayer_performance
            UNION ALL SELECT success_rate FROM network_stats) scores
           WHERE score NOT BETWEEN 0 AND 100 LIMIT 5`,
    stages: ['statistics', 'queries', 'after'],
  },
};
