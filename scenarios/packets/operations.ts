/** What wallets do that pay to clear packets. */
import { defineRewrite, defineTransaction, type Row } from 'pgrehearse';

const totals = `
  SELECT count(*) AS operations, count(*) FILTER (WHERE clearing_status = 'completed') AS completed,
         sum(total_fee) AS fees, max(created_at) AS newest
    FROM clearing_operations WHERE wallet_address = $1`;

const pageRows = 20;
const operationsOf = (condition: string) => `
  SELECT id, clearing_token, clearing_status, total_fee, created_at FROM clearing_operations
   WHERE ${condition} ORDER BY created_at DESC, id DESC LIMIT ${pageRows}`;

type Pages = { wallet: unknown; pages: number };

export const userOps = defineTransaction({
  description: "Totals over a wallet's operations, and one to five pages of them, newest first",
  weight: 10,
  access: 'read',
  params: (draw) => {
    const row = draw.zipf(draw.rows('user_statistics'), 0.6);
    const pages = draw.weighted([
      [1, 80],
      [2, 15],
      [5, 5],
    ]);
    return { wallet: draw.cell('user_statistics', 'wallet_address', row), hot: row < 10, pages };
  },
  classify: ({ hot }) => (hot ? 'hot' : 'rest'),
  statements: { totals, page: `${operationsOf('wallet_address = $1')} OFFSET $2` },
  run: async (client, { wallet, pages }) => {
    const answer = await client.query('totals', [wallet]);
    for (let page = 0; page < pages; page++) {
      const rows = await client.query('page', [wallet, page * pageRows]);
      answer.push(...rows);
      if (rows.length < pageRows) break;
    }
    return answer;
  },
});

/** Each page begins behind the last row of the one before: nothing is read twice, nothing shown twice while others order. */
export const userOpsByKey = defineRewrite({
  statements: {
    totals,
    first: operationsOf('wallet_address = $1'),
    next: operationsOf('wallet_address = $1 AND (created_at, id) < ($2, $3)'),
  },
  run: async (client, { wallet, pages }: Pages) => {
    const answer = await client.query('totals', [wallet]);
    let last: Row | undefined;
    for (let page = 0; page < pages; page++) {
      const rows = last
        ? await client.query('next', [wallet, last['created_at'], last['id']])
        : await client.query('first', [wallet]);
      answer.push(...rows);
      if (rows.length < pageRows) break;
      last = rows.at(-1);
    }
    return answer;
  },
});

export const clearingLifecycle = defineTransaction({
  description: 'Order a clearing, pay it, carry it out; one in ten fails, is noted and refunded',
  weight: 6,
  access: 'write',
  atomic: true,
  params: (draw) => ({
    token: `clr_new_${draw.index}`,
    wallet: draw.cell('user_statistics', 'wallet_address', draw.zipf(draw.rows('user_statistics'), 0.6)),
    hash: draw.hex(32),
    ids: [draw.uuid(), draw.uuid(), draw.uuid(), draw.uuid()] as const,
    fails: draw.chance(0.1),
    now: draw.now,
  }),
  statements: {
    order: `
      INSERT INTO clearing_operations (id, wallet_address, clearing_token, packet_ids, total_fee, created_at, updated_at)
      VALUES ($1, $2, $3, '{packet-1}', 5000, $4, $4)`,
    pay: `
      INSERT INTO payment_transactions (id, clearing_token, tx_hash, sender_address, amount, verified, created_at)
      VALUES ($1, $2, $3, $4, 5000, true, $5)`,
    finish: `
      UPDATE clearing_operations SET clearing_status = $2, payment_verified = true, payment_tx_hash = $3, updated_at = $4
       WHERE clearing_token = $1`,
    note: `
      INSERT INTO clearing_errors (id, clearing_token, error_type, error_message, packet_id, created_at)
      VALUES ($1, $2, 'relayer_timeout', 'the packet could not be cleared', 'packet-1', $3)`,
    refund: `
      INSERT INTO refunds (id, clearing_token, reason, amount, created_at, updated_at)
      VALUES ($1, $2, 'clearing failed', 5000, $3, $3)`,
  },
  run: async (client, { token, wallet, hash, ids, fails, now }) => {
    await client.query('order', [ids[0], wallet, token, now]);
    await client.query('pay', [ids[1], token, hash, wallet, now]);
    await client.query('finish', [token, fails ? 'failed' : 'completed', hash, now]);
    if (!fails) return;
    await client.query('note', [ids[3], token, now]);
    await client.query('refund', [ids[2], token, now]);
  },
});

const takePending = (lock: string) => `
  UPDATE refunds SET status = 'completed', tx_hash = $1, updated_at = $2
   WHERE id IN (SELECT id FROM refunds WHERE status = 'pending' ORDER BY created_at, id LIMIT 10 ${lock})`;

export const refundWorker = defineTransaction({
  description: 'Carry out the ten oldest refunds that are pending',
  weight: 1,
  access: 'write',
  params: (draw) => [draw.hex(32), draw.now],
  statements: { take: takePending('FOR UPDATE') },
  run: (client, values) => client.query('take', values),
});

/** D:273: workers do not wait for each other. */
export const refundWorkerSkipping = defineRewrite({
  statements: { take: takePending('FOR UPDATE SKIP LOCKED') },
  run: (client, values: unknown[]) => client.query('take', values),
});
