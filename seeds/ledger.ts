/**
 * Rows of the ledger workload: 1.5 million journal entries of twelve months with 3.45 million lines, 600,000 authorizations.
 *
 * 60 % of the lines fall on 28 chart accounts, 40 % of these on four of them: that is where writers queue for a balance.
 * Entries stand in the order in which they were written, so that their dates follow the order of rows.
 */
import {
  after,
  byIndex,
  chance,
  childNumber,
  column,
  combine,
  constant,
  defineSeed,
  hex,
  json,
  logNormal,
  nullable,
  oneOf,
  parent,
  reference,
  rowNumber,
  serial,
  siblings,
  text,
  timestamp,
  uniform,
  uuid,
  weighted,
  weightedRows,
  when,
  zipf,
} from 'pgrehearse';
import {
  anchorTypes,
  authorizationStatuses,
  chartAccounts,
  hotAccounts,
  journalSources,
  userCount,
} from './ledger/laws.ts';

const asOf = '2026-11-01T00:00:00Z';
const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** Traffic over a year: waves of day and week, 2.5 times as much at the end. */
const overTheYear = {
  days: 365,
  inRowOrder: true,
  daily: 0.5,
  weekend: 0.6,
  growthPerDay: 2.5 ** (1 / 365) - 1,
} as const;

/** Four accounts take 24 % of the lines, the other 24 of the chart 36 %, the sub-ledgers 40 %. */
const lineAccount = weightedRows((row, rows) => {
  if (row < hotAccounts) return 24 / hotAccounts;
  if (row < chartAccounts.length) return 36 / (chartAccounts.length - hotAccounts);
  return 40 / (rows - chartAccounts.length);
});

const indexIs = (column: string, wanted: number) =>
  combine([column], (index) => (index === wanted ? 1 : 0), { as: 'boolean' });
const fromChain = indexIs('source_index', 2);
const attested = combine(['source_index'], (index) => (index === 1 || index === 10 ? 1 : 0), { as: 'boolean' });
const newest = combine(['created_at'], (ms) => (ms > Date.parse(asOf) - 10 * dayMs ? 1 : 0), { as: 'boolean' });

/** The first line is the debit; one or two credits add up to it exactly, counted in ten-thousandths. */
function lineAmount(total: number, line: number, lines: number): number {
  const units = Math.round(total * 10_000);
  const second = lines === 2 ? units : Math.floor(units * 0.7);
  return [units, second, units - second][line - 1]! / 10_000;
}

export const ledgerSeed = defineSeed({
  asOf,
  tables: {
    accounts: {
      rows: 5_000,
      fixed: true,
      columns: {
        id: combine([rowNumber()], (row) => chartAccounts[row] ?? 10_000 + row),
        name: text`Account ${rowNumber()}`,
        type: oneOf(['Asset', 'Liability', 'Equity', 'Income', 'Expense']),
        entity: oneOf(['Trust', 'Operations', 'Reserve']),
        is_active: constant(true),
      },
    },
    journal_entries: {
      rows: 1_500_000,
      latent: {
        source_index: weighted(journalSources.map(([, share], index) => [index, share] as const)),
        total: logNormal({ median: 45, sigma: 1.6, min: 0.01, max: 250_000, decimals: 4 }),
      },
      columns: {
        id: uuid(),
        journal_id: text`JE-${serial()}`,
        date: combine(['created_at', chance(0.05), uniform(1, 3)], (ms, late, days) => ms - late * days * dayMs, {
          as: 'instant',
        }),
        description: text`Entry ${serial()}, ${oneOf(['card settlement', 'bank transfer', 'invoice', 'fee', 'refund'])}`,
        source: byIndex(
          journalSources.map(([source]) => source),
          'source_index',
        ),
        // 3 % of all entries are pending; all of them are of the newest ten days, which hold 4 %.
        status: when(newest, when(chance(0.7), constant('Pending'), constant('Posted')), constant('Posted')),
        tx_hash: when(fromChain, text`0x${hex(32)}`),
        block_number: when(fromChain, uniform(21_000_000, 23_500_000)),
        event_id: when(attested, text`evt-${serial()}`),
        attestation_hash: when(attested, text`0x${hex(32)}`),
        created_at: timestamp(overTheYear),
        created_by: oneOf(['oracle', 'bridge', 'settlement', 'operator']),
      },
    },
    journal_entry_lines: {
      childrenOf: {
        table: 'journal_entries',
        counts: [
          [2, 70],
          [3, 30],
        ],
      },
      columns: {
        id: uuid(),
        journal_entry_id: parent('id'),
        account_id: reference('accounts', 'id', lineAccount),
        line_type: when(
          combine([childNumber()], (line) => (line === 1 ? 1 : 0), { as: 'boolean' }),
          constant('DEBIT'),
          constant('CREDIT'),
        ),
        amount: combine([parent('total'), childNumber(), siblings()], lineAmount),
        line_number: childNumber(),
        created_at: parent('created_at'),
      },
    },
    anchor_authorizations: {
      rows: 600_000,
      latent: {
        status_index: weighted(authorizationStatuses.map(([, share], index) => [index, share] as const)),
        user_number: zipf(userCount, 1.1),
      },
      columns: {
        id: uuid(),
        event_id: text`auth-${serial()}`,
        user_address: text`0x${hex(20, { by: 'user_number' })}`,
        anchor_type: weighted(anchorTypes),
        units: uniform(1, 500),
        amount_cents: logNormal({ median: 4_500, sigma: 0.9, min: 1, max: 5_000_000 }),
        status: byIndex(
          authorizationStatuses.map(([status]) => status),
          'status_index',
        ),
        authorized_at: column('created_at'),
        // What is still open expires in the future, or an hour ago at most.
        expires_at: combine(
          ['created_at', 'status_index', uniform(-1, 72)],
          (ms, status, hours) => (status === 2 ? Date.parse(asOf) + hours * hourMs : ms + dayMs),
          { as: 'instant' },
        ),
        fulfilled_at: when(indexIs('status_index', 0), after('created_at', uniform(1_000, 20 * hourMs), { cap: true })),
        expired_at: when(indexIs('status_index', 1), after('created_at', constant(dayMs), { cap: true })),
        attestation_signature: text`0x${hex(65)}`,
        attestation_hash: text`0x${hex(32)}`,
        provider_order_id: when(indexIs('status_index', 0), text`order-${serial()}`),
        created_at: timestamp(overTheYear),
      },
    },
    event_correlations: {
      rows: 1_200_000,
      columns: {
        id: uuid(),
        event_id: text`cor-${serial()}`,
        event_type: weighted([
          ['AUTHORIZED', 50],
          ['FULFILLED', 34],
          ['EXPIRED', 11],
          ['ATTESTED', 5],
        ]),
        source_system: oneOf(['ORACLE', 'BRIDGE', 'LEDGER', 'PROVIDER']),
        correlation_id: nullable(0.2, text`c-${hex(8)}`),
        metadata: json({ attempt: uniform(1, 3), region: oneOf(['us', 'eu', 'ap']) }),
        created_at: timestamp(overTheYear),
      },
    },
    audit_log: {
      rows: 2_000_000,
      columns: {
        id: uuid(),
        event_type: weighted([
          ['JOURNAL', 75],
          ['ANCHOR', 25],
        ]),
        entity_type: oneOf(['journal_entry', 'anchor_authorization']),
        entity_id: text`${hex(16)}`,
        action: oneOf(['CREATE', 'UPDATE']),
        new_values: json({ amount: uniform(1, 250_000), currency: constant('USD'), version: uniform(1, 5) }),
        user_id: oneOf(['oracle', 'bridge', 'settlement', 'operator']),
        created_at: timestamp(overTheYear),
      },
    },
    health_checks: {
      rows: 20_000,
      columns: {
        id: uuid(),
        service_name: oneOf(['oracle', 'bridge', 'ledger', 'provider']),
        status: weighted([
          ['HEALTHY', 97],
          ['DEGRADED', 2],
          ['UNHEALTHY', 1],
        ]),
        response_time_ms: uniform(2, 400),
        checked_at: timestamp({ days: 30, inRowOrder: true }),
      },
    },
  },
});
