/** A migration beside a streaming replica: how far it falls behind is measured and judged. */
import { expect, it } from 'vitest';
import { defaultBudgets } from '../../src/scenario.ts';
import { temporaryFolder } from './postgres.ts';
import { placesIn, rehearsed } from './rehearsed.ts';
import { writeShop } from './shop-with.ts';

it('tells how far the replica was behind, and judges it', async () => {
  await using temporary = await temporaryFolder();
  const place = placesIn(temporary.path)('replica');
  const scenario = await writeShop(
    place.folder,
    [['ALTER TABLE orders ADD COLUMN note text', 'SELECT 1']],
    '{}',
    // Every commit reaches the replica that much later, and it shows none before.
    "{ topology: { replica: { settings: { recovery_min_apply_delay: '800ms' } } } }",
  );
  const { repeat, gates } = await rehearsed(scenario, place, {
    beforeMs: 1500,
    budgets: { ...defaultBudgets, maxReplicaLagMs: 100 },
  });
  expect(repeat.outcome).toBe('applied');
  // Looked at twice a second, so up to half a second of it may be missed.
  expect(repeat.server!.replica!.mostMs).toBeGreaterThan(200);
  expect(repeat.server!.replica!.mostBytes).toBeGreaterThan(0);
  expect(gates.find(({ reason }) => reason.includes('a replica was'))?.outcome).toBe('fail');
});
