/** What the service does by itself: store events, match endpoints, log deliveries, claim retries. */
import { defineRewrite, defineTransaction, type Draw } from 'pgrehearse';

/** A row of the newest half percent of a table: what a busy service works on. */
const recentRow = (draw: Draw, table: string) => {
  const rows = draw.rows(table);
  return rows - 1 - draw.int(0, Math.ceil(rows / 200) - 1);
};

export const eventIngest = defineTransaction({
  description: 'Store an event of the chain; one in a hundred arrives twice',
  weight: 20,
  access: 'write',
  params: (draw) => {
    const row = recentRow(draw, 'events');
    const twice = draw.chance(0.01);
    return [
      draw.uuid(),
      draw.cell('events', 'block_number', row),
      draw.cell('events', 'block_hash', row),
      twice ? draw.cell('events', 'transaction_hash', row) : `0x${draw.hex(32)}`,
      twice ? draw.cell('events', 'log_index', row) : draw.int(0, 3),
      draw.cell('events', 'contract_address', row),
      draw.cell('events', 'topics', row),
      draw.cell('events', 'data', row),
      draw.now,
    ];
  },
  statements: {
    insert: `
      INSERT INTO events (id, block_number, block_hash, transaction_hash, log_index, contract_address, topics, data, ingested_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      ON CONFLICT (transaction_hash, log_index) DO NOTHING
      RETURNING id`,
  },
  run: (client, values) => client.query('insert', values),
});

export const deliveryLog = defineTransaction({
  description: 'Look an event up and log a delivery attempt',
  weight: 25,
  access: 'write',
  params: (draw) => {
    const event = recentRow(draw, 'events');
    // An endpoint as busy as in the history: that of any earlier attempt.
    const endpointId = draw.cell('delivery_attempts', 'endpoint_id', draw.int(0, draw.rows('delivery_attempts') - 1));
    const success = draw.chance(0.92);
    return {
      hash: draw.cell('events', 'transaction_hash', event),
      logIndex: draw.cell('events', 'log_index', event),
      attempt: [
        draw.uuid(),
        endpointId,
        success ? 200 : draw.pick([500, 429, null]),
        draw.now,
        Math.round(180 * Math.exp(0.8 * (draw.float() + draw.float() + draw.float() - 1.5) * 2)),
        success,
      ],
    };
  },
  statements: {
    event: 'SELECT id FROM events WHERE transaction_hash = $1 AND log_index = $2',
    insert: `
      INSERT INTO delivery_attempts (id, event_id, endpoint_id, attempt_number, http_status_code, attempted_at, duration_ms, success, should_retry)
      VALUES ($1, $2, $3, 1, $4, $5, $6, $7, false)`,
  },
  run: async (client, { hash, logIndex, attempt: [id, ...rest] }) => {
    const [event] = await client.query<{ id: string }>('event', [hash, logIndex]);
    return client.query('insert', [id, event?.id, ...rest]);
  },
});

export const endpointMatch = defineTransaction({
  description: 'Find the endpoints that want an event',
  weight: 10,
  access: 'read',
  anyOrder: true,
  params: (draw) => {
    const row = recentRow(draw, 'events');
    return [
      draw.weighted([
        [1, 60],
        [42161, 20],
        [10, 10],
        [8453, 10],
      ]),
      draw.cell('events', 'contract_address', row),
      (draw.cell('events', 'topics', row) as string[])[0],
    ];
  },
  statements: {
    match: `
      SELECT ep.id, ep.webhook_url, ep.hmac_secret, ep.max_retries, ep.timeout_seconds
        FROM endpoints ep JOIN applications a ON a.id = ep.application_id
       WHERE ep.is_active AND a.is_active
         AND (ep.chain_ids IS NULL OR $1::integer = ANY (ep.chain_ids))
         AND (ep.contract_addresses IS NULL
              OR EXISTS (SELECT 1 FROM unnest(ep.contract_addresses) AS c WHERE lower(c) = lower($2)))
         AND (ep.event_signatures IS NULL OR ep.event_signatures @> ARRAY[$3::text])`,
  },
  run: (client, values) => client.query('match', values),
});

export const endpointMatchByRoute = defineRewrite({
  statements: {
    match: `
      SELECT ep.id, ep.webhook_url, ep.hmac_secret, ep.max_retries, ep.timeout_seconds
        FROM endpoint_routes r
        JOIN endpoints ep ON ep.id = r.endpoint_id
        JOIN applications a ON a.id = ep.application_id
       WHERE r.chain_id IN (0, $1::integer) AND r.contract IN ('*', lower($2)) AND r.signature IN ('*', $3)
         AND ep.is_active AND a.is_active`,
  },
  run: (client, values: unknown[]) => client.query('match', values),
});

const claimDue = (lock: string) => `
  UPDATE delivery_attempts SET next_retry_at = $1::timestamptz + INTERVAL '5 minutes'
   WHERE id IN (SELECT id FROM delivery_attempts
                 WHERE should_retry AND next_retry_at <= $1::timestamptz
                 ORDER BY next_retry_at LIMIT 10 ${lock})
  RETURNING id, endpoint_id, event_id`;

export const retryPoll = defineTransaction({
  description: 'Claim ten deliveries that are due for another attempt',
  weight: 2,
  access: 'write',
  params: (draw) => [draw.now],
  statements: { claim: claimDue('FOR UPDATE') },
  run: (client, values) => client.query('claim', values),
});

export const retryPollSkipping = defineRewrite({
  statements: { claim: claimDue('FOR UPDATE SKIP LOCKED') },
  run: (client, values: Date[]) => client.query('claim', values),
});
