/**
 * Rows of the packets workload: 4 million packets between 60 chains over 45 days, 800,000 operations that clear stuck ones.
 *
 * Ten of the 600 channels carry 55 % of the packets, and osmosis-1 sends about 30 %. Sequences of a channel have no gaps.
 */
import {
  after,
  asOf,
  byIndex,
  chance,
  column,
  combine,
  constant,
  defineSeed,
  hex,
  list,
  logNormal,
  lookup,
  nullable,
  reference,
  rowNumber,
  serial,
  text,
  timestamp,
  uniform,
  uuid,
  weighted,
  when,
  zipf,
  zipfian,
} from 'pgrehearse';

const secondMs = 1_000;
const hourMs = 3_600 * secondMs;
const dayMs = 24 * hourMs;
const asOfInstant = '2026-11-01T00:00:00Z';

const chains = ['osmosis-1', 'cosmoshub-4', 'neutron-1', ...Array.from({ length: 57 }, (_, at) => `chain${at + 4}-1`)];

/** Chain and share (in 2,000) of the ten busiest channels: 55 % together. */
const busiest = [
  [0, 180],
  [1, 160],
  [0, 140],
  [2, 100],
  [0, 120],
  [1, 100],
  [3, 80],
  [0, 80],
  [4, 80],
  [1, 60],
] as const;

/** The other 590 share 900 of 2,000: the first 310 have two, the others one. */
const others = Array.from({ length: 590 }, (_, at) => {
  const chain = at % 10 === 0 ? 0 : at % 20 === 1 ? 1 : at % 15 === 2 ? 2 : 3 + (at % 57);
  return [chain, at < 310 ? 2 : 1] as const;
});

const routes = [...busiest, ...others];
const slots = routes.flatMap(([, share], route) => Array.from({ length: share }, () => route));

/** Channels in the order in which packets take turns: 2,000 slots, spread by a step that has no common factor with it. */
const turns = slots.map((_, at) => slots[(at * 1_237) % slots.length]!);
const places = turns.map((route, at) => turns.slice(0, at).filter((other) => other === route).length);

/** channel-0 exists on every chain: the name is unique on its own chain only. */
const channelNames = routes.map(
  ([chain], route) => `channel-${routes.slice(0, route).filter(([other]) => other === chain).length}`,
);
const sources = routes.map(([chain]) => chains[chain]!);
const destinations = routes.map(([chain], route) => chains[(chain + 1 + (route % 59)) % 60]!);

/** How a packet is doing, as an index into the values of its columns. */
const states = { cleared: 0, received: 1, pending: 2, stuck: 3, failed: 4 };
const isState = (state: number) => combine(['state'], (value) => Number(value === state), { as: 'boolean' });

/** Nine in ten operations have been paid; of the payments' rows, every ninth step skips one. */
const paidOperation = combine([rowNumber()], (row) => row + Math.floor(row / 9));

/** Of three errors, two are of refunded operations in turn, and one is of an operation that succeeded at a later attempt. */
const operationWithError = combine([rowNumber()], (row) => {
  const turn = Math.floor(row / 3);
  return row % 3 === 0 ? turn * 40 : (turn * 2 + (row % 3) - 1) * 20 + 8;
});

export const packetsSeed = defineSeed({
  asOf: asOfInstant,
  tables: {
    user_statistics: {
      rows: 60_000,
      minimumRows: 100,
      columns: {
        wallet_address: text`cosmos1${hex(19)}`,
        total_clears: uniform(1, 40),
        success_rate: uniform(80, 100),
        last_clearing_at: timestamp({ days: 45 }),
      },
    },
    clearing_operations: {
      rows: 800_000,
      minimumRows: 1_000,
      latent: {
        isPaid: combine([rowNumber()], (row) => Number(row % 10 !== 9), { as: 'boolean' }),
        /** Every twentieth operation was paid, failed, and is refunded. */
        isRefunded: combine([rowNumber()], (row) => Number(row % 20 === 8), { as: 'boolean' }),
      },
      columns: {
        id: uuid(),
        wallet_address: reference('user_statistics', 'wallet_address', zipfian(0.6)),
        clearing_token: text`clr_${hex(16)}`,
        packet_ids: list([text`packet-${uniform(1, 4_000_000)}`, text`packet-${uniform(1, 4_000_000)}`], uniform(1, 2)),
        total_fee: logNormal({ median: 5_000, sigma: 0.8 }),
        payment_verified: column('isPaid'),
        clearing_status: when(
          'isRefunded',
          constant('failed'),
          when(
            'isPaid',
            weighted([
              ['completed', 82],
              ['paid', 2],
              ['executing', 1],
            ]),
            weighted([
              ['pending', 6],
              ['failed', 4],
            ]),
          ),
        ),
        chain_id: weighted(chains.map((chain, at) => [chain, 1 / (at + 1)])),
        created_at: timestamp({ days: 90, inRowOrder: true, daily: 0.35 }),
        updated_at: after('created_at', uniform(secondMs, 600 * secondMs), { cap: true }),
        deleted_at: when(chance(0.005), after('updated_at', uniform(secondMs, dayMs), { cap: true })),
      },
    },
    payment_transactions: {
      rows: 720_000,
      minimumRows: 900,
      latent: { operation: paidOperation },
      columns: {
        id: uuid(),
        clearing_token: lookup('clearing_operations', 'clearing_token', 'operation'),
        tx_hash: hex(32),
        sender_address: lookup('clearing_operations', 'wallet_address', 'operation'),
        amount: lookup('clearing_operations', 'total_fee', 'operation'),
        verified: constant(true),
        created_at: lookup('clearing_operations', 'updated_at', 'operation'),
      },
    },
    refunds: {
      rows: 40_000,
      minimumRows: 50,
      latent: { operation: combine([rowNumber()], (row) => row * 20 + 8) },
      columns: {
        id: uuid(),
        clearing_token: lookup('clearing_operations', 'clearing_token', 'operation'),
        reason: constant('clearing failed'),
        amount: lookup('clearing_operations', 'total_fee', 'operation'),
        status: weighted([
          ['completed', 95],
          ['pending', 5],
        ]),
        created_at: lookup('clearing_operations', 'updated_at', 'operation'),
        updated_at: lookup('clearing_operations', 'updated_at', 'operation'),
      },
    },
    clearing_errors: {
      rows: 60_000,
      minimumRows: 75,
      latent: { operation: operationWithError },
      columns: {
        id: uuid(),
        clearing_token: lookup('clearing_operations', 'clearing_token', 'operation'),
        error_type: weighted([
          ['relayer_timeout', 60],
          ['insufficient_fee', 25],
          ['channel_closed', 15],
        ]),
        error_message: constant('the packet could not be cleared'),
        packet_id: text`packet-${uniform(1, 4_000_000)}`,
        created_at: after(lookup('clearing_operations', 'created_at', 'operation'), uniform(1, secondMs)),
      },
    },
    network_stats: {
      rows: 43_800,
      fixed: true,
      columns: {
        chain_id: byIndex(
          chains,
          combine([rowNumber()], (row) => row % 60),
        ),
        network_name: byIndex(
          chains,
          combine([rowNumber()], (row) => row % 60),
        ),
        date: combine([rowNumber()], (row) => Date.parse(asOfInstant) - (730 - Math.floor(row / 60)) * dayMs, {
          as: 'instant',
        }),
        total_packets: uniform(1_000, 9_000),
        successful_packets: combine(['total_packets'], (packets) => Math.floor(packets * 0.96)),
      },
    },
    packet_flow: {
      rows: 4_000_000,
      minimumRows: 4_000,
      latent: {
        route: combine([rowNumber()], (row) => turns[row % slots.length]!),
        isRecent: combine(['created_at', asOf()], (at, now) => Number(now - at < 2 * hourMs), { as: 'boolean' }),
        /** Only packets of the last two hours are still on their way. */
        state: when(
          'isRecent',
          weighted([
            [states.cleared, 55],
            [states.received, 25],
            [states.pending, 20],
          ]),
          weighted([
            [states.cleared, 96.4],
            [states.stuck, 0.8],
            [states.failed, 2.8],
          ]),
        ),
        isCarried: combine(['state'], (state) => Number(state !== states.pending && state !== states.stuck), {
          as: 'boolean',
        }),
      },
      columns: {
        id: serial(),
        packet_id: text`packet-${serial()}`,
        src_chain_id: byIndex(sources, 'route'),
        dst_chain_id: byIndex(destinations, 'route'),
        src_channel_id: byIndex(channelNames, 'route'),
        dst_channel_id: text`channel-${column('route')}`,
        sequence: combine(
          [rowNumber(), 'route'],
          (row, route) => 1 + Math.floor(row / slots.length) * routes[route]![1] + places[row % slots.length]!,
        ),
        sender: text`cosmos1${hex(19, { by: zipf(120_000, 0.8) })}`,
        receiver: text`osmo1${hex(19, { by: zipf(120_000, 0.8) })}`,
        amount: logNormal({ median: 1_000_000, sigma: 2 }),
        denom: weighted([
          ['uosmo', 30],
          ['uatom', 40],
          ['uusdc', 30],
        ]),
        status: byIndex(['cleared', 'received', 'pending', 'stuck', 'failed'], 'state'),
        created_at: timestamp({ days: 45, inRowOrder: true, daily: 0.35 }),
        received_at: when('isCarried', after('created_at', uniform(secondMs, 4 * secondMs), { cap: true })),
        stuck_at: when(isState(states.stuck), after('created_at', uniform(900 * secondMs, 2 * hourMs), { cap: true })),
        /** Log-normal from four seconds on: never before the packet was received. */
        cleared_at: when(
          isState(states.cleared),
          after('created_at', logNormal({ median: 22 * secondMs, sigma: 2, min: 4 * secondMs }), { cap: true }),
        ),
        relayer_address: when('isCarried', text`relayer-${zipf(300, 1.1)}`),
        tx_hash_send: hex(32),
        attempts: uniform(1, 3),
        metadata: nullable(0.9, constant({ memo: 'swap' })),
      },
    },
  },
});
