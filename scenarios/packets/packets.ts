/** What relayers do and what people ask about packets. */
import { defineTransaction, type Draw } from 'pgrehearse';

const anyRow = (draw: Draw, table: string) => draw.int(0, draw.rows(table) - 1);

/** A packet of the newest two percent: about one day. */
const recentPacket = (draw: Draw) => {
  const rows = draw.rows('packet_flow');
  return rows - 1 - draw.int(0, Math.ceil(rows / 50) - 1);
};

const packetCells = (draw: Draw, row: number, columns: readonly string[]) =>
  columns.map((column) => draw.cell('packet_flow', column, row));

export const packetIngest = defineTransaction({
  description: 'Store a packet; one in fifty arrives twice',
  weight: 18,
  access: 'write',
  params: (draw) => {
    const row = recentPacket(draw);
    const [sequence, ...same] = packetCells(draw, row, [
      'sequence',
      'src_chain_id',
      'dst_chain_id',
      'src_channel_id',
      'dst_channel_id',
      'sender',
      'receiver',
      'denom',
    ]);
    // New sequences start far above the seeded ones and are unique by arrival.
    const next = draw.chance(0.02) ? Number(sequence) : 1_000_000_000 + draw.index;
    return [`packet-new-${draw.index}`, next, draw.now, ...same];
  },
  statements: {
    insert: `
      INSERT INTO packet_flow (packet_id, sequence, created_at, src_chain_id, dst_chain_id, src_channel_id, dst_channel_id,
                               sender, receiver, denom, amount)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1000000)
      ON CONFLICT (src_chain_id, src_channel_id, sequence) DO NOTHING`,
  },
  run: (client, values) => client.query('insert', values),
});

export const packetAdvance = defineTransaction({
  description: 'Move a recent packet on: received, then cleared',
  weight: 17,
  access: 'write',
  params: (draw) => [
    ...packetCells(draw, recentPacket(draw), ['src_chain_id', 'src_channel_id', 'sequence']),
    draw.now,
    `relayer-${1 + draw.zipf(300, 1.1)}`,
  ],
  statements: {
    advance: `
      UPDATE packet_flow
         SET status = CASE WHEN status = 'pending' THEN 'received' ELSE 'cleared' END,
             received_at = coalesce(received_at, $4), relayer_address = coalesce(relayer_address, $5),
             cleared_at = CASE WHEN status = 'pending' THEN NULL ELSE $4::timestamptz END
       WHERE src_chain_id = $1 AND src_channel_id = $2 AND sequence = $3 AND status IN ('pending', 'received', 'stuck')`,
  },
  run: (client, values) => client.query('advance', values),
});

export const stuckList = defineTransaction({
  description: 'The newest 100 packets of the last day that are stuck',
  weight: 15,
  access: 'read',
  params: (draw) => [draw.now],
  statements: {
    list: `
      SELECT * FROM packet_flow
       WHERE status = 'stuck' AND created_at > $1::timestamptz - INTERVAL '24 hours'
       ORDER BY created_at DESC, id DESC LIMIT 100`,
  },
  run: (client, values) => client.query('list', values),
});

export const packetLookup = defineTransaction({
  description: 'A packet by channel and sequence; the chain is not known',
  weight: 15,
  access: 'read',
  params: (draw) => packetCells(draw, anyRow(draw, 'packet_flow'), ['src_channel_id', 'sequence']),
  statements: {
    find: 'SELECT * FROM packet_flow WHERE src_channel_id = $1 AND sequence = $2 ORDER BY id',
  },
  run: (client, values) => client.query('find', values),
});

const historyOf = (side: 'sender' | 'receiver') => `
  SELECT id, packet_id, src_chain_id, dst_chain_id, amount, denom, status, created_at FROM packet_flow
   WHERE ${side} = $1 ORDER BY created_at DESC, id DESC LIMIT 20`;

export const walletHistory = defineTransaction({
  description: 'The newest 20 packets that a wallet sent (seven in ten) or received',
  weight: 12,
  access: 'read',
  params: (draw) => {
    const side = draw.chance(0.7) ? ('sender' as const) : ('receiver' as const);
    return { side, wallet: draw.cell('packet_flow', side, anyRow(draw, 'packet_flow')) };
  },
  classify: ({ side }) => side,
  statements: { sender: historyOf('sender'), receiver: historyOf('receiver') },
  run: (client, { side, wallet }) => client.query(side, [wallet]),
});
