import { beforeAll, expect, test } from 'vitest';
import { createCatalog, type SeedCatalog } from 'pgrehearse';
import { webhooksSeed } from '../../seeds/webhooks.ts';
import {
  chiSquareLimit,
  chiSquareOf,
  kolmogorovSmirnov,
  kolmogorovSmirnovLimit,
  normalDistribution,
} from './seed-statistics.ts';

const scale = 0.005;
let catalog: SeedCatalog;
let attempts: Record<string, any>[];
let events: Record<string, any>[];

function rowsOf(table: string, columns: readonly string[]): Record<string, any>[] {
  return Array.from({ length: catalog.rows(table) }, (_, row) =>
    Object.fromEntries(columns.map((column) => [column, catalog.cell(table, column, row)])),
  );
}

beforeAll(() => {
  catalog = createCatalog(webhooksSeed, { seed: 1, scale });
  events = rowsOf('events', [
    'id',
    'transaction_hash',
    'log_index',
    'block_number',
    'ingested_at',
    'owner',
    'topics',
    'data',
  ]);
  const columns =
    'id event_id endpoint_id attempt_number http_status_code response_body error_message attempted_at completed_at duration_ms success should_retry next_retry_at';
  attempts = rowsOf('delivery_attempts', columns.split(' '));
});

function mean(lengths: number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
}

test('full size is what the source document says', () => {
  const full = createCatalog(webhooksSeed, { seed: 1, scale: 1 });
  const rows = Object.fromEntries(full.tables().map((table) => [table, full.rows(table)]));
  expect(rows['events']).toBe(4_700_000);
  expect(rows['delivery_attempts']).toBeGreaterThan(5_630_000);
  expect(rows['delivery_attempts']).toBeLessThan(5_650_000);
  expect(rows['users']).toBe(2_000);
  expect(rows['applications']).toBeCloseTo(3_000, -2);
  expect(rows['endpoints']).toBeCloseTo(6_000, -2);
  expect(rows).toMatchObject({ usage_records: 10_000, audit_logs: 50_000, subscription_limits: 4 });
});

test('user 0 owns 62 % of the events, the others log-normal shares', () => {
  const whale = events.filter(({ owner }) => owner === 0).length;
  expect(chiSquareOf(Float64Array.of(whale, events.length - whale), Float64Array.of(0.6215, 0.3785))).toBeLessThan(
    chiSquareLimit(1),
  );
  const others = events.filter(({ owner }) => owner > 0).length;
  const heaviest = events.filter(({ owner }) => owner > 0 && owner <= 200).length;
  // The share of the heaviest tenth of a log-normal law with sigma 0.7: Phi(0.7 - 1.2816).
  expect(heaviest / others).toBeCloseTo(1 - normalDistribution(1.2816 - 0.7), 1);
});

test('what was appended to grows with the row number', () => {
  const back = events.filter((event, row) => {
    const before = events[row - 1];
    return before && (event['ingested_at'] < before['ingested_at'] || event['block_number'] < before['block_number']);
  });
  expect(back).toEqual([]);
});

test('keys are unique', () => {
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  expect(new Set(events.map((event) => `${event['transaction_hash']}/${event['log_index']}`)).size).toBe(events.length);
  expect(new Set(attempts.map(({ id }) => id)).size).toBe(attempts.length);
});

test('attempts point to events and endpoints that exist', () => {
  const eventIds = new Set(events.map(({ id }) => id));
  const endpointIds = new Set(rowsOf('endpoints', ['id']).map(({ id }) => id));
  expect(
    attempts.every((attempt) => eventIds.has(attempt['event_id']) && endpointIds.has(attempt['endpoint_id'])),
  ).toBe(true);
});

test('events have 1 to 4 attempts in their shares', () => {
  const counts = new Map<string, number>();
  for (const { event_id } of attempts) counts.set(event_id, (counts.get(event_id) ?? 0) + 1);
  const bySize = Float64Array.from(
    [1, 2, 3, 4],
    (size) => [...counts.values()].filter((count) => count === size).length,
  );
  expect(counts.size).toBe(events.length);
  expect(chiSquareOf(bySize, Float64Array.of(84.4, 12, 2.8, 0.8))).toBeLessThan(chiSquareLimit(3));
});

test('the user shares of the attempts are those of the events, and some events reach a second user', () => {
  const userOfEndpoint = new Map<string, string>();
  const userOfApplication = new Map(rowsOf('applications', ['id', 'user_id']).map(({ id, user_id }) => [id, user_id]));
  for (const { id, application_id } of rowsOf('endpoints', ['id', 'application_id'])) {
    userOfEndpoint.set(id, userOfApplication.get(application_id));
  }
  const users = new Map<string, Set<string>>();
  const whale = catalog.cell('users', 'id', 0);
  let ofWhale = 0;
  for (const { event_id, endpoint_id } of attempts) {
    const user = userOfEndpoint.get(endpoint_id)!;
    ofWhale += Number(user === whale);
    users.set(event_id, (users.get(event_id) ?? new Set()).add(user));
  }
  expect(ofWhale / attempts.length).toBeCloseTo(0.62, 1);
  const shared = [...users.values()].filter((set) => set.size > 1).length / events.length;
  expect(shared).toBeGreaterThan(0.02);
  expect(shared).toBeLessThan(0.05);
});

test('92 % succeed, success means 2xx, and every column tells the same story', () => {
  const succeeded = attempts.filter(({ success }) => success).length;
  expect(succeeded / attempts.length).toBeCloseTo(0.92, 2);
  const inconsistent = attempts.filter((attempt) => {
    const status = attempt['http_status_code'];
    return !(
      attempt['success'] === (status !== null && status >= 200 && status < 300) &&
      (attempt['error_message'] === null) === attempt['success'] &&
      (attempt['duration_ms'] === 30_000) === (status === null) &&
      (attempt['response_body'] === null) === (status === null) &&
      attempt['completed_at'] >= attempt['attempted_at'] &&
      attempt['attempted_at'] <= new Date(webhooksSeed.asOf)
    );
  });
  expect(inconsistent).toEqual([]);
});

test('attempts with a number above 1 repeat a failure at the same endpoint', () => {
  const repeats = attempts.flatMap((attempt, row) =>
    attempt['attempt_number'] > 1 ? [[attempts[row - 1]!, attempt]] : [],
  );
  expect(repeats.length).toBeGreaterThan(100);
  const wrong = repeats.filter(
    ([before, attempt]) =>
      before!['success'] ||
      before!['event_id'] !== attempt!['event_id'] ||
      before!['endpoint_id'] !== attempt!['endpoint_id'] ||
      before!['attempted_at'] > attempt!['attempted_at'],
  );
  expect(wrong).toEqual([]);
});

test('retries are planned for failures of the last hour only', () => {
  const asOf = Date.parse(webhooksSeed.asOf);
  const planned = attempts.filter(({ should_retry }) => should_retry);
  expect(planned.length).toBeGreaterThan(0);
  expect(planned.filter((one) => one['success'] || asOf - one['attempted_at'].getTime() >= 3_600_000)).toEqual([]);
  expect(attempts.filter((one) => (one['next_retry_at'] !== null) !== one['should_retry'])).toEqual([]);
});

test('durations are log-normal around 180 ms', () => {
  const durations = Float64Array.from(attempts.filter(({ success }) => success).map(({ duration_ms }) => duration_ms));
  const distance = kolmogorovSmirnov(durations, (x) => normalDistribution(Math.log((x + 0.5) / 180) / 0.8));
  // Whole milliseconds add up to half a step of the distribution to the limit of a continuous sample.
  expect(distance).toBeLessThan(kolmogorovSmirnovLimit(durations.length) + 0.002);
});

test('rows are as wide as in the source document', () => {
  expect(mean(events.map(({ data }) => data.length))).toBe(120);
  expect(mean(events.map(({ topics }) => topics.length))).toBeCloseTo(2.6, 1);
  const bodies = attempts.filter(({ success }) => success).map(({ response_body }) => response_body.length);
  expect(mean(bodies)).toBeGreaterThan(150);
  expect(mean(bodies)).toBeLessThan(170);
});

test('the first row stays the same, whatever is changed in the insides', () => {
  expect(attempts[0]).toMatchInlineSnapshot(`
    {
      "attempt_number": 1,
      "attempted_at": 2026-10-02T00:01:06.299Z,
      "completed_at": 2026-10-02T00:01:06.387Z,
      "duration_ms": 88,
      "endpoint_id": "7c7cc012-3c81-4582-a569-b9a58d97fda8",
      "error_message": null,
      "event_id": "ece82a1f-119f-4999-9ce4-868efb9ca680",
      "http_status_code": 200,
      "id": "9eed0da7-d40f-4f22-8e60-850448f9a494",
      "next_retry_at": null,
      "response_body": "{"status":"accepted","id":"e6a260c3-9561-4fec-b02d-c1626b4e6a25","message":"amissio tricesimus totus angelus conservo virga neque tepidus.........","queued":true}",
      "should_retry": false,
      "success": true,
    }
  `);
});
