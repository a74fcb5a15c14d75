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
  lookup,
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
  accountTypes,
  anchorTypes,
  authorizationStatuses,
  authorizationValidityDays,
  chartAccounts,
  hotAccounts,
  journalSources,
  settledStatuses,
  unsettledStatuses,
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

/** Created so lately that it may be open: not expired yet, or an hour ago at most. */
const mayBeOpen = combine(
  ['created_at'],
  (ms) => (ms > Date.parse(asOf) - authorizationValidityDays * dayMs - hourMs ? 1 : 0),
  { as: 'boolean' },
);

/** The chart account of an account: its own number, or that of the account which the sub-ledger belongs to. */
const chartNumber = combine([rowNumber()], (row) => chartAccounts[row % chartAccounts.length]!);

/** Three of four audit rows tell of an entry, each once and in their order; the fourth tells of an authorization. */
const auditsEntry = combine([rowNumber()], (row) => (row % 4 < 3 ? 1 : 0), { as: 'boolean' });
const auditedEntry = combine([rowNumber()], (row) => Math.floor(row / 4) * 3 + Math.min(row % 4, 2));
/** 5 of 6 authorizations have an audit row: there are six for every five quarters of the audit. */
const auditedAuthorization = combine([rowNumber()], (row) => Math.floor((Math.floor(row / 4) * 6) / 5));

/** Two events for each authorization: that it was made, and what became of it. */
const correlated = combine([rowNumber()], (row) => Math.floor(row / 2));
const settles = combine([rowNumber()], (row) => row % 2, { as: 'boolean' });

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
        name: text`Account ${rowNumber()} of ${chartNumber}`,
        type: byIndex(
          accountTypes,
          combine([chartNumber], (number) => Math.floor(number / 1000) - 1),
        ),
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
        status_index: when(mayBeOpen, weighted(unsettledStatuses), weighted(settledStatuses)),
        user_number: zipf(userCount, 1.1),
      },
      columns: {
        id: uuid(),
        event_id: text`auth-${serial()}`,
        user_address: text`0x${hex(20, { by: 'user_number' })}`,
        anchor_type: weighted(anchorTypes),
        units: uniform(1, 500),
        amount_cents: logNormal({ median: 4_500, sigma: 0.9, min: 1, max: 5_000_000 }),
        status: byIndex(authorizationStatuses, 'status_index'),
        authorized_at: column('created_at'),
        expires_at: combine(['created_at'], (ms) => ms + authorizationValidityDays * dayMs, { as: 'instant' }),
        fulfilled_at: when(indexIs('status_index', 0), after('created_at', uniform(1_000, 20 * hourMs), { cap: true })),
        expired_at: when(indexIs('status_index', 1), column('expires_at')),
        attestation_signature: text`0x${hex(65)}`,
        attestation_hash: text`0x${hex(32)}`,
        provider_order_id: when(indexIs('status_index', 0), text`order-${serial()}`),
        created_at: timestamp(overTheYear),
      },
    },
    event_correlations: {
      rows: 1_200_000,
      latent: { status_index: lookup('anchor_authorizations', 'status_index', correlated) },
      columns: {
        id: uuid(),
        event_id: when(
          settles,
          text`${lookup('anchor_authorizations', 'event_id', correlated)}-outcome`,
          lookup('anchor_authorizations', 'event_id', correlated),
        ),
        event_type: when(
          settles,
          byIndex(['FULFILLED', 'EXPIRED', 'ATTESTED', 'ATTESTED'], 'status_index'),
          constant('AUTHORIZED'),
        ),
        source_system: oneOf(['ORACLE', 'BRIDGE', 'LEDGER', 'PROVIDER']),
        correlation_id: lookup('anchor_authorizations', 'event_id', correlated),
        metadata: json({ attempt: uniform(1, 3), region: oneOf(['us', 'eu', 'ap']) }),
        created_at: lookup('anchor_authorizations', 'created_at', correlated),
      },
    },
    audit_log: {
      rows: 2_000_000,
      columns: {
        id: uuid(),
        event_type: when(auditsEntry, constant('JOURNAL'), constant('ANCHOR')),
        entity_type: when(auditsEntry, constant('journal_entry'), constant('anchor_authorization')),
        entity_id: when(
          auditsEntry,
          text`${lookup('journal_entries', 'id', auditedEntry)}`,
          text`${lookup('anchor_authorizations', 'id', auditedAuthorization)}`,
        ),
        action: constant('CREATE'),
        new_values: json({ amount: uniform(1, 250_000), currency: constant('USD'), version: uniform(1, 5) }),
        user_id: oneOf(['oracle', 'bridge', 'settlement', 'operator']),
        created_at: when(
          auditsEntry,
          lookup('journal_entries', 'created_at', auditedEntry),
          lookup('anchor_authorizations', 'created_at', auditedAuthorization),
        ),
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
