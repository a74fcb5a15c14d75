/** The two-way door: a migration taken back inside of the load, and one that is ended by force and mended. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import { pgrehearse } from './command.ts';
import { writeShop } from './shop-with.ts';
import { temporaryFolder } from './postgres.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  temporary = await temporaryFolder();
});
afterAll(() => temporary[Symbol.asyncDispose]());

const short = ['--scale=0.1', '--repeats=1', '--before=500ms', '--after=500ms'];

async function rehearsed(name: string, files: readonly [up: string, down: string][], ...flags: string[]) {
  const folder = join(temporary.path, name);
  const out = join(folder, 'run');
  const args = ['rehearse', await writeShop(folder, files), ...short, ...flags, '--out', out];
  const { exitCode, stderr } = await pgrehearse(args, join(temporary.path, 'cache'));
  return { exitCode, stderr, live: (await readResult(out)).liveMigration!, verdict: (await readResult(out)).verdict! };
}

const index: [string, string] = [
  'CREATE INDEX CONCURRENTLY orders_by_customer ON orders (customer_id); CREATE INDEX CONCURRENTLY orders_by_time ON orders (ordered_at)',
  'DROP INDEX CONCURRENTLY IF EXISTS orders_by_time; DROP INDEX CONCURRENTLY IF EXISTS orders_by_customer',
];
const column: [string, string] = [
  'ALTER TABLE orders ADD COLUMN note text; UPDATE orders SET note = cents::text; ALTER TABLE orders ADD COLUMN seen_at timestamptz DEFAULT clock_timestamp()',
  'ALTER TABLE orders DROP COLUMN seen_at; ALTER TABLE orders DROP COLUMN note',
];

describe('rehearse', () => {
  it('takes a migration back inside of the load, and mends it wherever it is ended by force', async () => {
    const { live, exitCode, stderr, verdict } = await rehearsed('mended', [column, index], '--down', '--kill-points=3');
    const [up, down] = [live.repeats[0]!, live.downs![0]!];
    expect(down.outcome).toBe('applied');
    expect(down.migrationStartMs).toBeGreaterThan(up.migrationEndMs);
    expect(down.statements.map(({ text }) => text)).toContain('ALTER TABLE orders DROP COLUMN note');
    expect(down.impact.failed).toBe(0);

    const points = live.killPoints!;
    expect(points.map(({ kind }) => kind)).toEqual(['runner', 'session', 'backend']);
    expect(points.map(({ faults, dataFaults }) => [...faults, ...dataFaults])).toEqual([[], [], []]);
    expect(points.some(({ hit }) => hit)).toBe(true);
    expect(points.map(({ recovery }) => recovery)).not.toContain('failed');
    expect(verdict.gates.map(({ reason }) => reason).join('\n')).toContain(
      'ended by force at 3 points and mended within',
    );
    // The lock of the UPDATE may be too long for a busy machine's budgets; a correctness failure would be 6.
    expect([0, 1, 4], String(stderr)).toContain(exitCode);
  });

  it('estimates how long a file takes with more rows, from what it took with fewer', async () => {
    const { live } = await rehearsed('projected', [column], '--project=orders=1_000_000');
    const [projection] = live.projections!;
    expect(projection).toMatchObject({ migration: '002_change', table: 'orders', rows: 1_000_000 });
    expect(projection!.runs.map(({ rows }) => rows)).toEqual([50, 50, 50, 150, 150, 150, 500, 500, 500]);
    expect(projection!.runs.every(({ durationMs }) => durationMs > 0)).toBe(true);
    expect(projection!.highMs).toBeGreaterThan(projection!.lowMs);
    expect(live.projections).toHaveLength(1);
  });

  it('finds a down file that cannot take back what was begun only', async () => {
    // The waits let a blow that falls late fall before the second index all the same.
    const [first, second] = index[0].split('; ');
    const up = [first, ...Array<string>(4).fill('SELECT pg_sleep(0.4)'), second].join('; ');
    const careless: [string, string] = [up, 'DROP INDEX orders_by_time; DROP INDEX orders_by_customer'];
    const { live, verdict } = await rehearsed('careless', [careless], '--kill-points=2');
    const failed = live.killPoints!.filter(({ recovery }) => recovery === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0]!.left).toContain('002_change half-applied');
    expect(verdict.gates.find(({ reason }) => reason.includes('it was not mended'))?.outcome).toBe('fail');
  });
});
