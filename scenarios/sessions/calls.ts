/** Calls: may two wallets be matched, a call begins and ends, what a wallet's calls were, what clients tell about them. */
import { defineRewrite, defineTransaction, type Draw } from 'pgrehearse';
import { byActivity, drawKnownWallet, drawRecentRow, drawWallet, later, utc, type Wallet } from './draws.ts';

interface Pair {
  a: string;
  b: string;
  hot: boolean;
  now: string;
}

/**
 * Two wallets who wait for a call. One pair in ten is blocked, and in one of ten somebody is or was just on a call; how active the
 * wallet of a block or a call is, is not looked up: it counts with the rest.
 */
function drawPair(draw: Draw): Pair {
  const [first, second] = [drawWallet(draw), drawWallet(draw)];
  const now = utc(draw.now);
  const kind = draw.weighted<'strangers' | 'blocked' | 'busy'>([
    ['strangers', 80],
    ['blocked', 10],
    ['busy', 10],
  ]);
  if (kind === 'strangers') return { a: first.address, b: second.address, hot: first.hot || second.hot, now };
  if (kind === 'busy') {
    const caller = draw.cell('sessions', 'a_addr', drawRecentRow(draw, 'sessions', 0.0005)) as string;
    return { a: caller, b: second.address, hot: second.hot, now };
  }
  const row = draw.int(0, draw.rows('blocks') - 1);
  const [a, b] = ['blocker_addr', 'blocked_addr'].map((side) => draw.cell('blocks', side, row) as string);
  return { a: a!, b: b!, hot: false, now };
}

export const matchCheck = defineTransaction({
  description: 'May two wallets be matched: no block either way, nobody on a call',
  weight: 15,
  access: 'read',
  params: drawPair,
  classify: byActivity,
  statements: {
    blocked: `
      SELECT EXISTS (SELECT 1 FROM blocks
                      WHERE (blocker_addr = $1 AND blocked_addr = $2) OR (blocker_addr = $2 AND blocked_addr = $1)) AS blocked`,
    active: `
      SELECT id, a_addr, b_addr FROM sessions
       WHERE ended_at IS NULL AND (a_addr IN ($1, $2) OR b_addr IN ($1, $2))
       ORDER BY started_at DESC, id`,
  },
  run: async (client, { a, b }) => {
    const [blocks] = await client.query<{ blocked: boolean }>('blocked', [a, b]);
    return { blocked: blocks?.blocked, active: await client.query('active', [a, b]) };
  },
});

/** A block may be lifted or run out once the columns are there. */
export const matchCheckOfActiveBlocks = defineRewrite({
  statements: {
    ...matchCheck.statements,
    blocked: `
      SELECT EXISTS (SELECT 1 FROM blocks
                      WHERE active = true AND (expires_at IS NULL OR expires_at > $3)
                        AND ((blocker_addr = $1 AND blocked_addr = $2) OR (blocker_addr = $2 AND blocked_addr = $1))) AS blocked`,
  },
  run: async (client, { a, b, now }: Pair) => {
    const [blocks] = await client.query<{ blocked: boolean }>('blocked', [a, b, now]);
    return { blocked: blocks?.blocked, active: await client.query('active', [a, b]) };
  },
});

export const sessionLifecycle = defineTransaction({
  description: 'A call begins and, but for one in twenty, ends',
  weight: 10,
  access: 'write',
  params: (draw) => {
    const durationMs = draw.int(5_000, 600_000);
    return {
      id: draw.uuid(),
      a: drawKnownWallet(draw),
      b: drawKnownWallet(draw),
      chainId: draw.pick([1, 1, 1, 137, 56]),
      startedAt: utc(draw.now),
      endedAt: utc(later(draw.now, durationMs)),
      reason: draw.weighted([
        ['skip', 50],
        ['hangup', 20],
        ['timeout', 15],
        ['error', 12],
      ]),
      tips: draw.chance(0.04) ? 1 : 0,
      ends: draw.chance(0.95),
    };
  },
  classify: ({ a, b }) => byActivity({ hot: a.hot || b.hot }),
  statements: {
    start: 'INSERT INTO sessions (id, a_addr, b_addr, started_at, chain_id) VALUES ($1, $2, $3, $4, $5)',
    end: 'UPDATE sessions SET ended_at = $2, reason_end = $3, tip_count = $4 WHERE id = $1 AND ended_at IS NULL',
  },
  run: async (client, { id, a, b, chainId, startedAt, endedAt, reason, tips, ends }) => {
    // Nobody calls himself: a wallet that drew itself talks to nobody that we know.
    const callee = a.address === b.address ? `0x${id.replaceAll('-', '')}00000000` : b.address;
    await client.query('start', [id, a.address, callee, startedAt, chainId]);
    if (ends) await client.query('end', [id, endedAt, reason, tips]);
  },
});

const historyColumns = 'id, a_addr, b_addr, started_at, ended_at, reason_end, tip_count';

export const sessionHistory = defineTransaction({
  description: 'The newest twenty calls of a wallet',
  weight: 12,
  access: 'read',
  params: drawWallet,
  classify: byActivity,
  statements: {
    page: `
      SELECT ${historyColumns} FROM sessions
       WHERE a_addr = $1 OR b_addr = $1
       ORDER BY started_at DESC, id DESC LIMIT 20`,
  },
  run: (client, { address }) => client.query('page', [address]),
});

/**
 * Two walks along an index in the wanted order, twenty rows each, instead of all calls of the wallet and a sort. WITH TIES keeps the calls
 * that begin in the same instant, so that the index needs no id for the tie-break.
 */
export const sessionHistoryInOrder = defineRewrite({
  statements: {
    page: `
      SELECT * FROM (
        (SELECT ${historyColumns} FROM sessions
          WHERE a_addr = $1 ORDER BY started_at DESC FETCH FIRST 20 ROWS WITH TIES)
        UNION ALL
        (SELECT ${historyColumns} FROM sessions
          WHERE b_addr = $1 AND a_addr IS DISTINCT FROM b_addr ORDER BY started_at DESC FETCH FIRST 20 ROWS WITH TIES)
      ) AS both_sides ORDER BY started_at DESC, id DESC LIMIT 20`,
  },
  run: (client, { address }: Wallet) => client.query('page', [address]),
});

export const telemetryIngest = defineTransaction({
  description: 'Store one to five events that a client tells about its call',
  weight: 11,
  access: 'write',
  params: (draw) => {
    const { address } = drawKnownWallet(draw);
    const sessionId = draw.cell('sessions', 'id', drawRecentRow(draw, 'sessions', 0.005));
    const events = Array.from({ length: draw.int(1, 5) }, (_, number) => ({
      type: draw.pick(['quality_sample', 'quality_sample', 'ice_state', 'call_start', 'call_end']),
      payload: JSON.stringify({
        sessionId,
        rtt: draw.int(12, 480),
        jitter: draw.int(0, 600) / 10,
        bitrate: draw.int(150, 2_500),
        ua: 'Chrome/141 Windows',
      }),
      ts: utc(later(draw.now, number)),
    }));
    return [address, events.map(({ type }) => type), events.map(({ payload }) => payload), events.map(({ ts }) => ts)];
  },
  statements: {
    insert: `
      INSERT INTO telemetry_events (address, type, payload, ts)
      SELECT $1, type, payload::jsonb, ts FROM unnest($2::text[], $3::text[], $4::timestamp[]) AS event (type, payload, ts)`,
  },
  run: (client, values) => client.query('insert', values),
});
