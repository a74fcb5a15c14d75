/** The search for deadlocks between a migration and the load. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';
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
    const search = async (name: string, files: [string, string][], ...flags: string[]) => {
      const out = join(temporary.path, name, 'run');
      const scenario = await writeShop(join(temporary.path, name), files);
      const short = ['--scale=0.1', '--repeats=1', '--before=500ms', '--after=500ms', '--out', out];
      await pgrehearse(['rehearse', scenario, ...short, ...flags], join(temporary.path, 'cache'));
      const { liveMigration, verdict } = await readResult(out);
      const gates = verdict!.gates.filter(({ reason }) => /deadlock/.test(reason));
      return { found: liveMigration!.interleavings!, gates };
    };

    const bad = await search('wrong', [wrongOrder], '--interleavings=2', '--first-interleaving=5');
    expect(bad.found).toMatchObject({ first: 5, tried: 2 });
    expect(bad.found.deadlocks.length).toBeGreaterThan(0);
    const [{ seed, migration, other }] = bad.found.deadlocks as [(typeof bad.found.deadlocks)[0]];
    expect([5, 6]).toContain(seed);
    expect(migration).toBe('ALTER TABLE visits ADD COLUMN a int');
    expect(other).toBe('INSERT INTO visits (id, customer_id, at) VALUES ($1, $2, $3)');
    expect(bad.gates.some(({ outcome }) => outcome === 'fail')).toBe(true);

    const good = await search('apart', apart, '--interleavings=2');
    expect(good.found).toEqual({ first: 1, tried: 2, deadlocks: [] });
    expect(good.gates.map(({ outcome }) => outcome)).toEqual(['pass']);
  });
});
