import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { loadSeed } from '../../src/seed/load.ts';
import { startTestServer } from './postgres.ts';

const root = join(import.meta.dirname, '..', '..');

test('webhooks at scale 0.01: pinned bytes with one worker and with two, on its real schema', async () => {
  await using server = await startTestServer({ wal_level: 'minimal', max_wal_senders: 0 });
  const connection = server.connection();
  const client = new Client(connection);
  await client.connect();
  await client.query(await readFile(join(root, 'migrations', 'webhooks', '001_baseline.up.sql'), 'utf8'));
  const options = { scenarioFile: join(root, 'scenarios', 'webhooks.ts'), connection, seed: 1, scale: 0.01 };
  const two = await loadSeed({ ...options, workers: 2 });
  const one = await loadSeed({ ...options, workers: 1 });
  const told = (report: typeof one): string[] =>
    report.tables.map(({ name, rows, sha256 }) => `${name} ${rows} ${sha256.slice(0, 16)}`);
  expect(told(one)).toEqual(told(two));
  expect(told(one)).toMatchInlineSnapshot(`
    [
      "users 2000 b931be7f062d9d26",
      "applications 3005 88138ce616e0b6ed",
      "endpoints 6031 f9327188c8573b92",
      "events 47000 a1ef9d820439408b",
      "delivery_attempts 56415 5d21f3b51fb772ae",
      "usage_records 10000 5a5162993b2e2d63",
      "audit_logs 500 3c7881ef8a8c665e",
      "subscription_limits 4 c7c79cdcbdc222f7",
    ]
  `);

  const { rows: sizes } = await client.query(`
    SELECT relname AS name, pg_relation_size(oid) / reltuples AS bytes FROM pg_class WHERE relname IN ('events', 'delivery_attempts')`);
  const bytesPerRow = Object.fromEntries(sizes.map(({ name, bytes }) => [name, Number(bytes)]));
  // The source document: 2.8 GB of heap for 4.7 million events.
  expect(bytesPerRow['events']).toBeGreaterThan(570);
  expect(bytesPerRow['events']).toBeLessThan(650);
  expect(bytesPerRow['delivery_attempts']).toBeGreaterThan(270);
  await client.end();
});
