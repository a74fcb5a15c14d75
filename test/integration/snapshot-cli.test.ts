/** Snapshots by the command line: built once for all, rebuilt when damaged, listed, limited. */
import { chmod, mkdtemp, readdir, rm, truncate, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SnapshotStore } from '../../src/snapshot.ts';
import { pgrehearse, shop } from './command.ts';

let folder: string;
let cache: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-snapshots-'));
  // The server's user must be able to enter it.
  await chmod(folder, 0o755);
  cache = join(folder, 'cache');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const seed = (number: number, options = {}) =>
  pgrehearse(['seed', shop, '--seed', String(number), '--json'], cache, options);

async function listed(): Promise<{ key: string; bytes: number; parts: { seed: number } }[]> {
  return JSON.parse((await pgrehearse(['snapshot', 'list', '--json'], cache)).stdout as string);
}

function checksums({ stdout }: { stdout?: unknown }): string[] {
  return JSON.parse(stdout as string).tables.map(({ sha256 }: { sha256: string }) => sha256);
}

it('two commands that need the same snapshot at the same time build it once', async () => {
  const both = await Promise.all([seed(1), seed(1)]);
  expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  const told = both.map(({ stderr }) => stderr as string);
  expect(told.filter((text) => text.includes('Seed the baseline'))).toHaveLength(1);
  expect(told.filter((text) => text.includes('The seeded data is in the cache'))).toHaveLength(1);
  // Its figures are those of the one that seeded.
  expect(both[0].stdout).toBe(both[1].stdout);
  expect(await listed()).toHaveLength(1);
});

it('a damaged snapshot is told and built again with the same rows', async () => {
  const [snapshot] = await listed();
  const before = await seed(1);
  const databases = join(cache, 'snapshots', snapshot!.key, 'data', 'base');
  const file = (await readdir(databases, { recursive: true })).find((path) => /\d+\/\d+$/.test(path));
  await truncate(join(databases, file!), 10);
  const after = await seed(1);
  expect(after.stderr).toContain(`The snapshot ${snapshot!.key.slice(0, 12)} is damaged; it is built again.`);
  expect(after.exitCode).toBe(0);
  expect(checksums(after)).toEqual(checksums(before));
  expect((await seed(1)).stderr).toContain('The seeded data is in the cache');
});

it('the list tells what a snapshot is, its age and its use', async () => {
  const { key } = (await listed())[0]!;
  const lastWeek = new Date(Date.now() - 7.5 * 86_400_000);
  await utimes(join(cache, 'snapshots', key, 'manifest.json'), lastWeek, lastWeek);
  const { stdout } = await pgrehearse(['snapshot', 'list'], cache);
  expect(stdout).toMatch(
    new RegExp(
      `^${key.slice(0, 12)} +[\\d.]+ MiB  shop scale 1 seed 1, 1 migration, PostgreSQL \\d+  ` +
        'made (just now|\\d minutes? ago), used 7 days ago\\n1 snapshot, [\\d.]+ MiB\\.$',
    ),
  );
  await using store = new SnapshotStore(cache);
  await store.find(key);
  expect((await pgrehearse(['snapshot', 'list'], cache)).stdout).toContain(`in use by process ${process.pid}`);
  const drop = await pgrehearse(['snapshot', 'drop', '--all'], cache);
  expect(drop.stderr).toContain(`in use by process ${process.pid}`);
  expect(drop.exitCode).toBe(5);
  expect(await listed()).toHaveLength(1);
});

it('beyond the limit the one unused for longest is dropped, and that is told', async () => {
  const [first] = await listed();
  await seed(2);
  const limit = `${Math.ceil((2.5 * first!.bytes) / 1e6)}MB`;
  const third = await seed(3, { env: { PGREHEARSE_CACHE: cache, PGREHEARSE_CACHE_LIMIT: limit, NO_COLOR: '1' } });
  expect(third.stderr).toMatch(
    new RegExp(`Dropped the snapshot ${first!.key.slice(0, 12)} \\(\\d+ MB\\), unused for longest, to keep`),
  );
  expect(third.exitCode).toBe(0);
  expect((await listed()).map(({ parts }) => parts.seed)).toEqual([3, 2]);
});

it('a limit that is no size is wrong use', async () => {
  const env = { PGREHEARSE_CACHE: cache, PGREHEARSE_CACHE_LIMIT: '60', NO_COLOR: '1' };
  const { exitCode, stderr } = await seed(1, { env });
  expect(stderr).toContain(`PGREHEARSE_CACHE_LIMIT is "60": give a number and a unit`);
  expect(exitCode).toBe(2);
});
