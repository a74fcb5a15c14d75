/** The search for deadlocks between a migration and the load. */
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './postgres.ts';
import { placesIn, rehearsed } from './rehearsed.ts';
import { writeShop } from './shop-with.ts';

describe('rehearse --interleavings', () => {
  it('finds the two statements that wait for each other, and none where each table has a file of its own', async () => {
    await using temporary = await temporaryFolder();
    // A visit locks its own table first and then, for its foreign key, that of the customers.
    const wrongOrder: [string, string] = [
      'ALTER TABLE customers ADD COLUMN a int; ALTER TABLE visits ADD COLUMN a int',
      'ALTER TABLE visits DROP COLUMN a; ALTER TABLE customers DROP COLUMN a',
    ];
    const apart: [string, string][] = [
      ['ALTER TABLE customers ADD COLUMN a int', 'ALTER TABLE customers DROP COLUMN a'],
      ['ALTER TABLE visits ADD COLUMN a int', 'ALTER TABLE visits DROP COLUMN a'],
    ];
    const search = async (name: string, files: [string, string][], first: number) => {
      const place = placesIn(temporary.path)(name);
      const scenario = await writeShop(place.folder, files);
      const { live, gates } = await rehearsed(scenario, place, { repeats: 0, interleavings: { first, count: 2 } });
      return { found: live.interleavings!, gates: gates.filter(({ reason }) => /deadlock/.test(reason)) };
    };

    const bad = await search('wrong', [wrongOrder], 5);
    expect(bad.found).toMatchObject({ first: 5, tried: 2 });
    expect(bad.found.deadlocks.length).toBeGreaterThan(0);
    const [{ seed, migration, other }] = bad.found.deadlocks as [(typeof bad.found.deadlocks)[0]];
    expect([5, 6]).toContain(seed);
    expect(migration).toBe('ALTER TABLE visits ADD COLUMN a int');
    expect(other).toBe('INSERT INTO visits (id, customer_id, at) VALUES ($1, $2, $3)');
    expect(bad.gates.some(({ outcome }) => outcome === 'fail')).toBe(true);

    const good = await search('apart', apart, 1);
    expect(good.found).toEqual({ first: 1, tried: 2, deadlocks: [] });
    expect(good.gates.map(({ outcome }) => outcome)).toEqual(['pass']);
  });
});
