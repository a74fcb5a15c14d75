/** Expand and contract: the new statements take over between the two. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';
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
    const folder = join(temporary.path, version);
    const files = [expand, contract].map((up) => [up, 'SELECT 1'] as const);
    const scenario = await writeShop(folder, files, newStatements(version));
    const short = ['--scale=0.1', '--repeats=1', '--before=500ms', '--after=1s', '--out', join(folder, 'run')];
    return pgrehearse(['rehearse', scenario, ...short], join(temporary.path, 'cache'));
  };
  await rehearse('002');
  const repeat = (await readResult(join(temporary.path, '002/run'))).liveMigration!.repeats[0]!;
  expect(repeat).toMatchObject({ outcome: 'applied', takeOver: { version: '002' } });
  // An old statement would miss the column that is gone, a new one the column that is not there yet.
  expect(repeat.impact.errors).toEqual({});
  const after = repeat.buckets.slice(Math.ceil(repeat.takeOver!.atMs / 100));
  expect(after.reduce((sum, { completed }) => sum + completed, 0)).toBeGreaterThan(30);
  // About one arrival in 10 ms, without a gap where one load ends and the other begins.
  expect(after.slice(0, -2).every(({ scheduled }) => scheduled > 0)).toBe(true);

  const { exitCode, stderr } = await rehearse('009');
  expect(stderr).toContain('takes over at version 009, which this migration does not apply');
  expect(exitCode).toBe(2);
});
