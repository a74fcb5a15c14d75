import { beforeAll, expect, test } from 'vitest';
import { createCatalog, type SeedCatalog } from 'pgrehearse';
import scenario from '../../scenarios/sessions.ts';
import { sessionsSeed } from '../../seeds/sessions.ts';
import { createDraw } from '../../src/load/draw.ts';
import { chiSquareLimit, chiSquareOf } from './seed-statistics.ts';

const scale = 0.01;
const hourMs = 3_600_000;
const asOfMs = Date.parse(sessionsSeed.asOf);

let catalog: SeedCatalog;
let sessions: Record<string, any>[];
let reports: Record<string, any>[];
let addresses: string[];

function rowsOf(table: string, columns: string): Record<string, any>[] {
  return Array.from({ length: catalog.rows(table) }, (_, row) =>
    Object.fromEntries(columns.split(' ').map((column) => [column, catalog.cell(table, column, row)])),
  );
}

const countBy = (values: readonly unknown[]) => {
  const counts = new Map<unknown, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};

beforeAll(() => {
  catalog = createCatalog(sessionsSeed, { seed: 1, scale });
  sessions = rowsOf('sessions', 'id a_addr b_addr started_at ended_at reason_end reported tip_count');
  reports = rowsOf('reports', 'session_id reporter_addr target_addr created_at');
  addresses = rowsOf('users', 'wallet_address').map((user) => user['wallet_address']);
});

test('full size is what the workload promises', () => {
  const full = createCatalog(sessionsSeed, { seed: 1, scale: 1 });
  const rows = Object.fromEntries(full.tables().map((table) => [table, full.rows(table)]));
  expect(rows).toMatchObject({ users: 400_000, sessions: 3_000_000, reports: 120_000, nonces: 300_000 });
  expect(rows['telemetry_events']).toBe(6_000_000);
  expect(rows['blocks']! / 500_000).toBeCloseTo(1, 2);
  expect(rows['balances']! / 300_000).toBeCloseTo(1, 2);
});

test('a wallet calls by the cube law: the first hundredth has a fifth of the calls', () => {
  const rowOf = new Map(addresses.map((address, row) => [address, row]));
  const users = addresses.length;
  const bounds = [0, users / 100, users / 10, users / 2, users];
  const callers = sessions.map((session) => rowOf.get(session['a_addr'])!);
  const counts = bounds.slice(1).map((to, at) => callers.filter((row) => row >= bounds[at]! && row < to).length);
  const shares = bounds.slice(1).map((to, at) => Math.cbrt(to + 2.5) - Math.cbrt(bounds[at]! + 2.5));
  expect(chiSquareOf(Float64Array.from(counts), Float64Array.from(shares))).toBeLessThan(chiSquareLimit(3));
});

test('calls make sense: two wallets, an end after the start, open ones young', () => {
  const wrong = sessions.filter(
    ({ a_addr, b_addr, started_at, ended_at, reason_end }) =>
      a_addr === b_addr ||
      (ended_at === null) !== (reason_end === null) ||
      (ended_at !== null && (ended_at < started_at || ended_at > asOfMs)) ||
      (ended_at === null && asOfMs - started_at > 2 * hourMs),
  );
  expect(wrong).toEqual([]);
  const open = sessions.filter(({ ended_at }) => ended_at === null).length / sessions.length;
  expect(open).toBeGreaterThan(0.0001);
  expect(open).toBeLessThan(0.001);
});

const outOfOrder = (rows: Record<string, any>[], column: string) =>
  rows.filter((row, at) => at > 0 && row[column] < rows[at - 1]![column]);

test('rows are in the order of time', () => {
  expect(outOfOrder(sessions, 'started_at')).toEqual([]);
  expect(outOfOrder(rowsOf('telemetry_events', 'ts'), 'ts')).toEqual([]);
});

test.each([0.0001, 0.0123, 0.01, 0.0377])(
  'at scale %f a call is reported exactly when a report names it, and reports name its wallets',
  (otherScale) => {
    const other = createCatalog(sessionsSeed, { seed: 2, scale: otherScale });
    const marked = new Set<unknown>();
    for (let row = 0; row < other.rows('sessions'); row++) {
      if (other.cell('sessions', 'reported', row) === true) marked.add(other.cell('sessions', 'id', row));
    }
    const named = new Set<unknown>();
    for (let row = 0; row < other.rows('reports'); row++) named.add(other.cell('reports', 'session_id', row));
    expect(named).toEqual(marked);
    expect(marked.size / other.rows('sessions')).toBeCloseTo(0.015, 2);
  },
);

test('reports come from the other side of the call, after it began, and few wallets get most of them', () => {
  const byId = new Map(sessions.map((session) => [session['id'], session]));
  const wrong = reports.filter(({ session_id, reporter_addr, target_addr, created_at }) => {
    const { a_addr, b_addr, started_at } = byId.get(session_id)!;
    const sides = new Set([a_addr, b_addr]);
    return (
      reporter_addr === target_addr || !sides.has(reporter_addr) || !sides.has(target_addr) || created_at < started_at
    );
  });
  expect(wrong).toEqual([]);
  const heaviest = [...countBy(reports.map((report) => report['target_addr'])).values()].sort((a, b) => b - a);
  const top = heaviest.slice(0, addresses.length / 200).reduce((sum, count) => sum + count, 0);
  expect(top / reports.length).toBeGreaterThan(0.2);
});

test('nobody blocks himself, nor anybody twice', () => {
  const pairs = rowsOf('blocks', 'blocker_addr blocked_addr');
  expect(pairs.filter(({ blocker_addr, blocked_addr }) => blocker_addr === blocked_addr)).toEqual([]);
  expect(countBy(pairs.map((pair) => `${pair['blocker_addr']} ${pair['blocked_addr']}`)).size).toBe(pairs.length);
  const perBlocker = new Set(countBy(pairs.map((pair) => pair['blocker_addr'])).values());
  expect(perBlocker).toEqual(new Set([3, 4, 5]));
});

test('one nonce in twenty lives, five minutes at most', () => {
  const nonces = rowsOf('nonces', 'expires_at consumed');
  const live = nonces.filter(({ expires_at, consumed }) => !consumed && expires_at > asOfMs);
  expect(chiSquareOf(Float64Array.of(live.length, nonces.length - live.length), Float64Array.of(5, 95))).toBeLessThan(
    chiSquareLimit(1),
  );
  expect(nonces.filter(({ expires_at }) => expires_at - asOfMs > 5 * 60_000)).toEqual([]);
});

test('telemetry tells about the call whose wallet it names', () => {
  const byId = new Map(sessions.map((session) => [session['id'], session]));
  const events = rowsOf('telemetry_events', 'address type payload');
  const wrong = events.filter(({ address, payload }) => {
    const { a_addr, b_addr } = byId.get(payload.sessionId)!;
    return address !== null && address !== a_addr && address !== b_addr;
  });
  expect(wrong).toEqual([]);
  expect(events.filter(({ address }) => address === null).length / events.length).toBeCloseTo(0.02, 2);
  const samples = events.filter(({ type }) => type === 'quality_sample').length;
  expect(chiSquareOf(Float64Array.of(samples, events.length - samples), Float64Array.of(55, 45))).toBeLessThan(
    chiSquareLimit(1),
  );
});

test('parameters of the load follow the classes: a fifth hot, one wallet in twenty unknown', () => {
  const known = new Set(addresses);
  const profile = scenario.workload.transactions['user_profile']!;
  const drawn = Array.from({ length: 4_000 }, (_, arrival) =>
    profile.params(createDraw(catalog, { seed: 1, block: 0, arrival, now: new Date(asOfMs) })),
  );
  const classes = countBy(drawn.map((params) => profile.classify!(params)));
  const hot = Math.cbrt(0.01) * 0.95;
  expect(
    chiSquareOf(Float64Array.of(classes.get('hot')!, classes.get('rest')!), Float64Array.of(hot, 1 - hot)),
  ).toBeLessThan(chiSquareLimit(1));
  const unknown = drawn.filter(({ address }) => !known.has(address)).length;
  expect(chiSquareOf(Float64Array.of(unknown, drawn.length - unknown), Float64Array.of(5, 95))).toBeLessThan(
    chiSquareLimit(1),
  );
});

test('the first rows stay the same, whatever is changed in the insides', () => {
  expect([sessions[0], reports[0]]).toMatchInlineSnapshot(`
    [
      {
        "a_addr": "0x1244c5959528bae2869b60b4359c8952e0805c1a",
        "b_addr": "0x247f9fdab9c3db6c48729e6fda1ae5ba89dd97be",
        "ended_at": 2026-05-05T00:04:41.494Z,
        "id": "99216c88-7c90-4124-926c-4385517ab867",
        "reason_end": "report",
        "reported": true,
        "started_at": 2026-05-05T00:04:36.091Z,
        "tip_count": 2,
      },
      {
        "created_at": 2026-05-05T00:50:07.030Z,
        "reporter_addr": "0x1244c5959528bae2869b60b4359c8952e0805c1a",
        "session_id": "99216c88-7c90-4124-926c-4385517ab867",
        "target_addr": "0x247f9fdab9c3db6c48729e6fda1ae5ba89dd97be",
      },
    ]
  `);
});
