/** Anchors: authorizations of users, their settlement, and what is still owed. */
import { defineRewrite, defineTransaction, type Draw } from 'pgrehearse';
import { anchorTypes } from '../../seeds/ledger/laws.ts';

/** The address of the user of a seeded authorization: users come by the seed's Zipf law. */
function drawAddress(draw: Draw): string {
  const row = draw.int(0, draw.rows('anchor_authorizations') - 1);
  return draw.cell('anchor_authorizations', 'user_address', row) as string;
}

/** The event of an authorization that the seed left open: most of the newest eighth are, and none before. */
function drawOpenEvent(draw: Draw): string {
  const rows = draw.rows('anchor_authorizations');
  const first = Math.floor(rows * 0.885);
  let row = draw.int(first, rows - 1);
  for (let tries = 0; tries < rows && draw.cell('anchor_authorizations', 'status', row) !== 'AUTHORIZED'; tries++) {
    row = row + 1 < rows ? row + 1 : first;
  }
  return draw.cell('anchor_authorizations', 'event_id', row) as string;
}

export const anchorLifecycle = defineTransaction({
  description: 'Authorize an anchor, or settle an open one',
  weight: 11,
  access: 'write',
  atomic: true,
  params: (draw) => ({
    authorize: draw.chance(0.55),
    id: draw.uuid(),
    newEvent: `auth-L-${draw.index}`,
    openEvent: drawOpenEvent(draw),
    address: drawAddress(draw),
    anchorType: draw.weighted(anchorTypes),
    units: draw.int(1, 500),
    outcome: draw.weighted([
      ['FULFILLED', 60],
      ['EXPIRED', 38],
      ['FAILED', 2],
    ]),
    proof: `0x${draw.hex(32)}`,
    now: draw.now,
  }),
  classify: ({ authorize }) => (authorize ? 'authorize' : 'settle'),
  statements: {
    authorize: `
      INSERT INTO anchor_authorizations (id, event_id, user_address, anchor_type, units, amount_cents, authorized_at, expires_at, created_at)
      VALUES ($1, $2, $3, $4, $5::bigint, $5::bigint * 100, $6, $6::timestamptz + INTERVAL '30 days', $6)`,
    correlate: `
      INSERT INTO event_correlations (event_id, event_type, source_system, created_at) VALUES ($1, 'AUTHORIZED', 'ORACLE', $2)`,
    // Only an open one is settled: of two who try, the second finds nothing.
    settle: `
      UPDATE anchor_authorizations
         SET status = $2::varchar, fulfilled_at = CASE $2::varchar WHEN 'FULFILLED' THEN $3::timestamptz END,
             expired_at = CASE $2::varchar WHEN 'EXPIRED' THEN $3::timestamptz END
       WHERE event_id = $1 AND status = 'AUTHORIZED' RETURNING id`,
    fulfil: `
      INSERT INTO anchor_fulfillments (authorization_id, event_id, proof_hash, fulfillment_type, fulfilled_at)
      VALUES ($1, $2, $3, 'GIFT_CARD', $4)`,
  },
  run: async (client, { authorize, id, newEvent, openEvent, address, anchorType, units, outcome, proof, now }) => {
    if (authorize) {
      await client.query('authorize', [id, newEvent, address, anchorType, units, now]);
      await client.query('correlate', [newEvent, now]);
      return;
    }
    const [settled] = await client.query('settle', [openEvent, outcome, now]);
    if (settled && outcome === 'FULFILLED') await client.query('fulfil', [settled.id, openEvent, proof, now]);
  },
});

/** One statement each: the row of obligations, of which there are six, is locked by its end and until the commit, no longer. */
export const anchorLifecycleInOne = defineRewrite({
  statements: {
    authorize: `
      WITH correlated AS (
        INSERT INTO event_correlations (event_id, event_type, source_system, created_at) VALUES ($2, 'AUTHORIZED', 'ORACLE', $6))
      INSERT INTO anchor_authorizations (id, event_id, user_address, anchor_type, units, amount_cents, authorized_at, expires_at, created_at)
      VALUES ($1, $2, $3, $4, $5::bigint, $5::bigint * 100, $6, $6::timestamptz + INTERVAL '30 days', $6)`,
    settle: `
      WITH settled AS (
        UPDATE anchor_authorizations
           SET status = $2::varchar, fulfilled_at = CASE $2::varchar WHEN 'FULFILLED' THEN $3::timestamptz END,
               expired_at = CASE $2::varchar WHEN 'EXPIRED' THEN $3::timestamptz END
         WHERE event_id = $1 AND status = 'AUTHORIZED' RETURNING id, event_id)
      INSERT INTO anchor_fulfillments (authorization_id, event_id, proof_hash, fulfillment_type, fulfilled_at)
      SELECT id, event_id, $4, 'GIFT_CARD', $3 FROM settled WHERE $2::varchar = 'FULFILLED'`,
  },
  run: (client, params: ReturnType<typeof anchorLifecycle.params>) => {
    const { authorize, id, newEvent, openEvent, address, anchorType, units, outcome, proof, now } = params;
    return authorize
      ? client.query('authorize', [id, newEvent, address, anchorType, units, now])
      : client.query('settle', [openEvent, outcome, now, proof]);
  },
});

export const anchorUserOpen = defineTransaction({
  description: "A user's open authorizations, the next to expire first",
  weight: 4,
  access: 'read',
  params: (draw) => ({ address: drawAddress(draw) }),
  statements: {
    open: `
      SELECT event_id, anchor_type, units, expires_at FROM anchor_authorizations
       WHERE user_address = $1 AND status IN ('AUTHORIZED', 'PENDING') ORDER BY expires_at, event_id`,
  },
  run: (client, { address }) => client.query('open', [address]),
});

/** A page of it: a user with eight thousand of them reads no more than what fits a screen, from the index alone. */
export const anchorUserOpenPage = defineRewrite({
  statements: {
    open: `
      SELECT event_id, anchor_type, units, expires_at FROM anchor_authorizations
       WHERE user_address = $1 AND status IN ('AUTHORIZED', 'PENDING') ORDER BY expires_at, event_id LIMIT 100`,
  },
  run: (client, { address }: { address: string }) => client.query('open', [address]),
});

export const obligationSummary = defineTransaction({
  description: 'What is owed by type of anchor',
  weight: 1,
  access: 'read',
  anyOrder: true,
  params: () => ({}),
  statements: { summary: 'SELECT * FROM v_anchor_obligations' },
  run: (client) => client.query('summary'),
});
