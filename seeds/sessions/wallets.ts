/** Wallets and what hangs on them: blocks, nonces, balances; and the statistics table of the optimised schema. */
import {
  after,
  byIndex,
  chance,
  childNumber,
  combine,
  constant,
  decimal,
  exponential,
  faked,
  hex,
  json,
  logNormal,
  lookup,
  nullable,
  parent,
  parentRow,
  reference,
  rowNumber,
  rowOf,
  serial,
  text,
  timestamp,
  uniform,
  uuid,
  weighted,
  when,
  type TableSpec,
} from 'pgrehearse';
import { byActivity, byOffence, historyDays, hourMs, minuteMs, secondMs } from './laws.ts';

export const users: TableSpec = {
  rows: 400_000,
  minimumRows: 500,
  columns: {
    wallet_address: hex(20, { prefix: '0x' }),
    created_at: timestamp({ days: 400, endsMsBefore: historyDays * 24 * hourMs }),
    ens_name: nullable(0.85, text`${faked((faker) => faker.internet.username().toLowerCase())}-${rowNumber()}.eth`),
    risk_score: weighted([
      [0, 90],
      [10, 5],
      [30, 3],
      [60, 1.5],
      [90, 0.5],
    ]),
  },
};

/** Three in ten wallets block three to five others. */
export const blocks: TableSpec = {
  childrenOf: {
    table: 'users',
    counts: [
      [0, 68.75],
      [3, 10],
      [4, 11.25],
      [5, 10],
    ],
  },
  latent: {
    place: childNumber({ from: 0 }),
    drawn: rowOf('users', byOffence()),
    /** The remainder by 5 is the child's number, so that nobody blocks a wallet twice; five further if it would be itself. */
    blocked: combine(['drawn', 'place', parentRow()], (drawn, place, blocker) => {
      const row = drawn - (drawn % 5) + place;
      return row !== blocker ? row : row < 5 ? row + 5 : row - 5;
    }),
  },
  columns: {
    blocker_addr: parent('wallet_address'),
    blocked_addr: lookup('users', 'wallet_address', 'blocked'),
    created_at: timestamp({ days: historyDays }),
  },
};

/** One in twenty was issued in the last five minutes, their time to live; the others were never deleted. */
export const nonces: TableSpec = {
  rows: 300_000,
  latent: {
    isLive: chance(0.05),
    issuedAt: when(
      'isLive',
      timestamp({ days: 1 / 288, endsMsBefore: secondMs }),
      timestamp({ days: 30, endsMsBefore: 5 * minuteMs, inRowOrder: true }),
    ),
  },
  columns: {
    address: reference('users', 'wallet_address', byActivity()),
    nonce: hex(16),
    expires_at: after('issuedAt', constant(5 * minuteMs)),
    consumed: when('isLive', constant(false), chance(0.85)),
  },
};

/** Three balances for four wallets, the main chain first. */
export const balances: TableSpec = {
  childrenOf: {
    table: 'users',
    counts: [
      [0, 44],
      [1, 40],
      [2, 13],
      [3, 3],
    ],
  },
  columns: {
    address: parent('wallet_address'),
    chain_id: byIndex([1, 137, 56], childNumber({ from: 0 })),
    native_balance: logNormal({ median: 0.4, sigma: 1.5, decimals: 6 }),
    native_usd_value: logNormal({ median: 900, sigma: 1.5, decimals: 2 }),
    total_usd_value: logNormal({ median: 1_400, sigma: 1.6, decimals: 2 }),
    erc20_tokens: json({
      USDC: decimal(0, 5_000, 2),
      USDT: decimal(0, 3_000, 2),
      DAI: decimal(0, 1_000, 2),
      lastBlock: uniform(21_000_000, 21_400_000),
    }),
    last_updated: timestamp({ days: 30 }),
  },
};

export const queryStats: TableSpec = {
  rows: 2_000,
  fixed: true,
  columns: {
    id: serial(),
    query_hash: hex(32),
    query_text: text`SELECT * FROM sessions WHERE id = $1 /* ${uuid()} */`,
    execution_count: exponential({ mean: 20_000 }),
    avg_duration_ms: logNormal({ median: 4, sigma: 1.2, decimals: 3 }),
    max_duration_ms: logNormal({ median: 120, sigma: 1, decimals: 3 }),
    error_count: exponential({ mean: 3 }),
    last_executed: timestamp({ days: 7 }),
  },
};
