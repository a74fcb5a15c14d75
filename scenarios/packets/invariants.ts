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
};
