import { beforeAll, expect, test } from 'vitest';
import { createCatalog, type SeedCatalog } from 'pgrehearse';
import { packetsSeed } from '../../seeds/packets.ts';
import { chiSquareLimit, chiSquareOf } from './seed-statistics.ts';

const scale = 0.01;
const hourMs = 3_600_000;
const asOfMs = Date.parse(packetsSeed.asOf);

let catalog: SeedCatalog;
let packets: Record<string, any>[];

function rowsOf(table: string, columns: string): Record<string, any>[] {
  return Array.from({ length: catalog.rows(table) }, (_, row) =>
    Object.fromEntries(columns.split(' ').map((column) => [column, catalog.cell(table, column, row)])),
  );
}

beforeAll(() => {
  catalog = createCatalog(packetsSeed, { seed: 1, scale });
  packets = rowsOf('packet_flow', 'src_chain_id src_channel_id status created_at received_at stuck_at cleared_at');
});

test('full size is what the workload promises', () => {
  const full = createCatalog(packetsSeed, { seed: 1, scale: 1 });
  expect(Object.fromEntries(full.tables().map((table) => [table, full.rows(table)]))).toEqual({
    user_statistics: 60_000,
    clearing_operations: 800_000,
    payment_transactions: 720_000,
    refunds: 40_000,
    clearing_errors: 60_000,
    network_stats: 43_800,
    packet_flow: 4_000_000,
  });
});

test('600 channels, of which ten carry 55 % of the packets', () => {
  const counts = new Map<string, number>();
  for (const { src_chain_id, src_channel_id } of packets) {
    const channel = `${src_chain_id} ${src_channel_id}`;
    counts.set(channel, (counts.get(channel) ?? 0) + 1);
  }
  const sizes = [...counts.values()].sort((a, b) => b - a);
  const busiest = sizes.slice(0, 10).reduce((sum, size) => sum + size, 0);
  expect({ channels: sizes.length, share: busiest / packets.length }).toEqual({ channels: 600, share: 0.55 });
});

test('old packets are cleared, stuck or failed in the shares given, and none is still on its way', () => {
  const old = packets.filter(({ created_at }) => asOfMs - created_at >= 2 * hourMs);
  const counts = ['cleared', 'stuck', 'failed'].map(
    (status) => old.filter((packet) => packet['status'] === status).length,
  );
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(old.length);
  expect(chiSquareOf(Float64Array.from(counts), Float64Array.from([96.4, 0.8, 2.8]))).toBeLessThan(chiSquareLimit(2));
});

test('a packet is stuck after 15 minutes and cleared after it was received', () => {
  const wrong = packets.filter(
    ({ status, created_at, received_at, stuck_at, cleared_at }) =>
      (status === 'stuck') !== (stuck_at !== null) ||
      (status === 'cleared') !== (cleared_at !== null) ||
      (stuck_at !== null && stuck_at - created_at < 900_000) ||
      (cleared_at !== null && (received_at < created_at || cleared_at < received_at)),
  );
  expect(wrong).toEqual([]);
});
