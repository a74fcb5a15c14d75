import { beforeAll, expect, test } from 'vitest';
import { createCatalog, type SeedCatalog } from 'pgrehearse';
import { ledgerSeed } from '../../seeds/ledger.ts';
import { chartAccounts, hotAccounts, journalSources } from '../../seeds/ledger/laws.ts';
import { chiSquareLimit, chiSquareOf } from './seed-statistics.ts';

const scale = 0.01;
const dayMs = 86_400_000;
const hourMs = 3_600_000;
const asOfMs = Date.parse(ledgerSeed.asOf);

type Rows = Record<string, any>[];
let catalog: SeedCatalog;
let accounts: Rows;
let entries: Rows;
let lines: Rows;
let authorizations: Rows;

function rowsOf(table: string, columns: string): Rows {
  return Array.from({ length: catalog.rows(table) }, (_, row) =>
    Object.fromEntries(columns.split(' ').map((column) => [column, catalog.cell(table, column, row)])),
  );
}

const shareOf = (rows: Rows, matches: (row: Record<string, any>) => boolean) =>
  rows.filter(matches).length / rows.length;

/** By how many days an entry is dated before the day on which it was written. */
const lag = ({ date, created_at }: Record<string, any>) =>
  Math.floor(created_at / dayMs) - Math.floor(Number(date) / dayMs);

beforeAll(() => {
  catalog = createCatalog(ledgerSeed, { seed: 1, scale });
  accounts = rowsOf('accounts', 'id type');
  entries = rowsOf('journal_entries', 'id journal_id date source status tx_hash block_number event_id created_at');
  lines = rowsOf('journal_entry_lines', 'journal_entry_id account_id line_type amount line_number');
  authorizations = rowsOf(
    'anchor_authorizations',
    'id event_id user_address anchor_type status expires_at fulfilled_at expired_at created_at',
  );
});

test('full size is what the workload promises', () => {
  const full = createCatalog(ledgerSeed, { seed: 1, scale: 1 });
  expect(Object.fromEntries(full.tables().map((table) => [table, full.rows(table)]))).toEqual({
    accounts: 5_000,
    journal_entries: 1_500_000,
    journal_entry_lines: expect.closeTo(3_450_000, -4),
    anchor_authorizations: 600_000,
    event_correlations: 1_200_000,
    audit_log: 2_000_000,
    health_checks: 20_000,
  });
});

test('the type of a chart account follows its number', () => {
  const types = Object.fromEntries(accounts.slice(0, chartAccounts.length).map(({ id, type }) => [id, type]));
  expect(types).toMatchObject({
    1000: 'Asset',
    2100: 'Liability',
    3100: 'Equity',
    4200: 'Income',
    5000: 'Expense',
    6300: 'Expense',
  });
  expect(new Set(accounts.map(({ id }) => id)).size).toBe(5_000);
});

test('60 % of the lines fall on 28 accounts, 40 % of these on four of them', () => {
  const hot = new Set(chartAccounts.slice(0, hotAccounts));
  const chart = new Set(chartAccounts);
  const counts = [0, 0, 0];
  for (const { account_id } of lines) counts[hot.has(account_id) ? 0 : chart.has(account_id) ? 1 : 2]!++;
  expect(chiSquareOf(Float64Array.from(counts), Float64Array.from([24, 36, 40]))).toBeLessThan(chiSquareLimit(2));
});

test('every entry balances exactly, its first line is the debit, and three entries of ten have three lines', () => {
  const booked = new Map<string, { net: number; numbers: number[]; kinds: string[] }>();
  for (const { journal_entry_id, line_type, amount, line_number } of lines) {
    const entry = booked.get(journal_entry_id) ?? { net: 0, numbers: [], kinds: [] };
    entry.net += Math.round(Number(amount) * 10_000) * (line_type === 'DEBIT' ? 1 : -1);
    entry.numbers.push(line_number);
    entry.kinds.push(line_type);
    booked.set(journal_entry_id, entry);
  }
  expect(booked.size).toBe(entries.length);
  const wrong = [...booked.values()].filter(
    ({ net, numbers, kinds }) =>
      net !== 0 ||
      numbers.some((number, index) => number !== index + 1) ||
      kinds[0] !== 'DEBIT' ||
      kinds.slice(1).some((kind) => kind !== 'CREDIT'),
  );
  expect(wrong).toEqual([]);
  expect([...booked.values()].filter(({ numbers }) => numbers.length === 3).length / booked.size).toBeCloseTo(0.3, 2);
});

test('sources come in the shares of the mix', () => {
  const counts = journalSources.map(([source]) => entries.filter((entry) => entry['source'] === source).length);
  const shares = journalSources.map(([, share]) => share);
  const limit = chiSquareLimit(journalSources.length - 1);
  expect(chiSquareOf(Float64Array.from(counts), Float64Array.from(shares))).toBeLessThan(limit);
});

test('3 % of the entries are pending, all of the newest ten days; chain and event columns follow the source', () => {
  expect(shareOf(entries, ({ status }) => status === 'Pending')).toBeCloseTo(0.03, 2);
  const wrong = entries.filter(
    ({ source, status, tx_hash, block_number, event_id, created_at }) =>
      (status === 'Pending' && created_at < asOfMs - 10 * dayMs) ||
      (source === 'CHAIN') !== (tx_hash !== null) ||
      (source === 'CHAIN') !== (block_number !== null) ||
      ['ANCHOR', 'ATTESTATION'].includes(source) !== (event_id !== null),
  );
  expect(wrong).toEqual([]);
});

test('entries stand in the order of time, more of them at the end; one in twenty is dated up to three days earlier', () => {
  const created = entries.map(({ created_at }) => Number(created_at));
  expect(created.every((ms, row) => row === 0 || ms >= created[row - 1]!)).toBe(true);
  const firstQuarter = shareOf(entries, ({ created_at }) => created_at < asOfMs - 273.75 * dayMs);
  const lastQuarter = shareOf(entries, ({ created_at }) => created_at >= asOfMs - 91.25 * dayMs);
  // 2.5 to the power of three quarters.
  expect(lastQuarter / firstQuarter).toBeGreaterThan(1.7);
  expect(lastQuarter / firstQuarter).toBeLessThan(2.3);
  expect(shareOf(entries, (entry) => lag(entry) > 0)).toBeCloseTo(0.05, 2);
  expect(entries.filter((entry) => lag(entry) < 0 || lag(entry) > 3)).toEqual([]);
});

test('authorizations are settled in the shares given, and only what was made in the last 30 days is open', () => {
  const shares = { FULFILLED: 0.67, EXPIRED: 0.22, AUTHORIZED: 0.1, FAILED: 0.01 };
  for (const [status, share] of Object.entries(shares)) {
    const found = shareOf(authorizations, (row) => row['status'] === status);
    expect({ status, near: Math.abs(found - share) < 0.02 }).toEqual({ status, near: true });
  }
  const wrong = authorizations.filter(
    ({ status, created_at, expires_at, fulfilled_at, expired_at }) =>
      (status === 'AUTHORIZED' && expires_at < asOfMs - hourMs) ||
      created_at > asOfMs ||
      expires_at <= created_at ||
      (status === 'FULFILLED') !== (fulfilled_at !== null) ||
      (status === 'EXPIRED') !== (expired_at !== null) ||
      (fulfilled_at !== null && (fulfilled_at < created_at || fulfilled_at > expires_at)) ||
      (expired_at !== null && (expired_at < expires_at || expired_at > asOfMs)),
  );
  expect(wrong).toEqual([]);
});

test('the busiest user has far more authorizations than the average one', () => {
  const counts = new Map<string, number>();
  for (const { user_address } of authorizations) counts.set(user_address, (counts.get(user_address) ?? 0) + 1);
  // Zipf with exponent 1.1 over 50,000 users gives the first 1 / 7.5 of all.
  expect(Math.max(...counts.values()) / authorizations.length).toBeCloseTo(0.13, 1);
});

test('each entry has one audit row of its own time, and audited authorizations exist', () => {
  const audits = rowsOf('audit_log', 'entity_type entity_id created_at');
  const journal = audits.filter(({ entity_type }) => entity_type === 'journal_entry');
  expect(journal.map(({ entity_id, created_at }) => [entity_id, created_at])).toEqual(
    entries.map(({ id, created_at }) => [id, created_at]),
  );
  const made = new Map(authorizations.map(({ id, created_at }) => [id, Number(created_at)]));
  const anchors = audits.filter(({ entity_type }) => entity_type === 'anchor_authorization');
  expect(new Set(anchors.map(({ entity_id }) => entity_id)).size).toBe(anchors.length);
  expect(anchors.filter(({ entity_id, created_at }) => made.get(entity_id) !== Number(created_at))).toEqual([]);
});

test('each authorization has two correlated events: that it was made, and what became of it', () => {
  const events = rowsOf('event_correlations', 'event_id event_type correlation_id');
  const outcome: Record<string, string> = { FULFILLED: 'FULFILLED', EXPIRED: 'EXPIRED' };
  expect(events).toEqual(
    authorizations.flatMap(({ event_id, status }) => [
      { event_id, event_type: 'AUTHORIZED', correlation_id: event_id },
      { event_id: `${event_id}-outcome`, event_type: outcome[status] ?? 'ATTESTED', correlation_id: event_id },
    ]),
  );
});
