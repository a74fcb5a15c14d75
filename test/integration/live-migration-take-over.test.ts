/** Expand and contract: the new statements take over between the two. */
import { expect, it } from 'vitest';
import { temporaryFolder } from './postgres.ts';
import { placesIn, rehearsed } from './rehearsed.ts';
import { writeShop } from './shop-with.ts';

const expand = 'ALTER TABLE visits ADD COLUMN visited_at timestamptz; ALTER TABLE visits ALTER COLUMN at DROP NOT NULL';
const contract = 'ALTER TABLE visits DROP COLUMN at';
const newStatements = (takesOver: string): string => `{
  takesOver: '${takesOver}',
  rewrites: {
    visit: {
      statements: { insert: 'INSERT INTO visits (id, customer_id, visited_at) VALUES ($1, $2, $3)' },
      run: (client, values) => client.query('insert', values),
    },
  },
}`;

it('lets the new statements take over before the contraction, so that neither old nor new ones fail', async () => {
  await using temporary = await temporaryFolder();
  const rehearse = async (version: string) => {
    const place = placesIn(temporary.path)(version);
    const files = [expand, contract].map((up) => [up, 'SELECT 1'] as const);
    return rehearsed(await writeShop(place.folder, files, newStatements(version)), place, { afterMs: 1000 });
  };
  const { repeat } = await rehearse('002');
  expect(repeat).toMatchObject({ outcome: 'applied', takeOver: { version: '002' } });
  // An old statement would miss the column that is gone, a new one the column that is not there yet.
  expect(repeat.impact.errors).toEqual({});
  const after = repeat.buckets.slice(Math.ceil(repeat.takeOver!.atMs / 100));
  expect(after.reduce((sum, { completed }) => sum + completed, 0)).toBeGreaterThan(30);
  // About one arrival in 10 ms, without a gap where one load ends and the other begins.
  expect(after.slice(0, -2).every(({ scheduled }) => scheduled > 0)).toBe(true);

  await expect(rehearse('009')).rejects.toThrow('takes over at version 009, which this migration does not apply');
});
