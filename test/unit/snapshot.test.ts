import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatAge } from '../../src/cli/snapshot.ts';
import { reapLeftovers } from '../../src/server/leftovers.ts';
import { SnapshotStore, type SnapshotBuilder } from '../../src/snapshot.ts';
import { canonicalJson, snapshotKey } from '../../src/snapshot/manifest.ts';

let cacheDir: string;
const notices: string[] = [];

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'pgrehearse-test-'));
  notices.length = 0;
});

afterEach(() => rm(cacheDir, { recursive: true }));

function openStore(limitBytes = Infinity): SnapshotStore {
  return new SnapshotStore(cacheDir, { limitBytes, onNotice: (sentence) => notices.push(sentence) });
}

/** A folder that looks like PostgreSQL's after a shutdown: the fifth word of the control file is the state. */
function buildFolder(bytes = 1000, state = 1): SnapshotBuilder {
  return async (dataDir) => {
    await mkdir(join(dataDir, 'global'), { recursive: true });
    await mkdir(join(dataDir, 'base'));
    await mkdir(join(dataDir, 'pg_wal'));
    const control = Buffer.alloc(64);
    control.writeInt32LE(state, 16);
    await writeFile(join(dataDir, 'global', 'pg_control'), control);
    await writeFile(join(dataDir, 'base', '1'), Buffer.alloc(bytes, 'x'));
    return { rows: 7 };
  };
}

function neverBuild(): never {
  throw new Error('built although it is in the cache');
}

/** What lies in the snapshots' folder, apart from locks. */
async function leftInCache(): Promise<string[]> {
  return (await readdir(join(cacheDir, 'snapshots'))).filter((name) => name !== 'locks');
}

describe('keys', () => {
  test('do not depend on the order of properties', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (parts) => {
        const reversed = Object.fromEntries(Object.entries(parts).toReversed());
        expect(snapshotKey(reversed)).toBe(snapshotKey(parts));
        expect(JSON.parse(canonicalJson(parts))).toEqual(JSON.parse(JSON.stringify(parts)));
      }),
    );
  });

  test('depend on every value, nested ones too', () => {
    const keys = [{}, { a: 1 }, { a: '1' }, { a: [1, 2] }, { a: [2, 1] }, { a: { b: 1 } }, { b: { a: 1 } }].map(
      snapshotKey,
    );
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('building', () => {
  test('happens once; then the snapshot is found with its details', async () => {
    await using store = openStore();
    const built = await store.build({ scale: 1 }, buildFolder(1000));
    expect(built).toMatchObject({ cached: false, bytes: 1064, details: { rows: 7 }, parts: { scale: 1 } });
    const again = await store.build({ scale: 1 }, neverBuild);
    expect(again).toEqual({ ...built, cached: true, lastUsedAt: again.lastUsedAt });
    expect(await store.find(snapshotKey({ scale: 2 }))).toBeUndefined();
  });

  test('of the same parts by two stores at the same time happens once', async () => {
    await using first = openStore();
    await using second = openStore();
    let builds = 0;
    const count: SnapshotBuilder = async (dataDir) => {
      builds++;
      return buildFolder()(dataDir);
    };
    const both = await Promise.all([first.build({ scale: 1 }, count), second.build({ scale: 1 }, count)]);
    expect(builds).toBe(1);
    expect(new Set(both.map(({ cached }) => cached)).size).toBe(2);
  });

  test.each<[string, SnapshotBuilder, string]>([
    ['that throws', () => Promise.reject(new Error('no more rows')), 'no more rows'],
    ['whose server was not shut down', buildFolder(1000, 6), 'did not shut down cleanly'],
  ])('%s leaves nothing and can be tried again', async (_, build, message) => {
    await using store = openStore();
    await expect(store.build({}, build)).rejects.toThrow(message);
    expect(await leftInCache()).toEqual([]);
    expect(await readdir(join(cacheDir, 'running'))).toEqual([]);
    expect(await store.build({}, buildFolder())).toMatchObject({ cached: false });
  });

  test('that is aborted leaves nothing', async () => {
    await using store = openStore();
    const stop = new AbortController();
    const build: SnapshotBuilder = async (dataDir) => {
      await buildFolder()(dataDir);
      stop.abort(new Error('stopped by the user'));
      return {};
    };
    await expect(store.build({}, build, stop.signal)).rejects.toThrow('stopped by the user');
    expect(await leftInCache()).toEqual([]);
  });

  test.each<[string, (dataDir: string) => Promise<void>]>([
    ['a file is shorter', (dataDir) => truncate(join(dataDir, 'base', '1'), 10)],
    ['a file is gone', (dataDir) => rm(join(dataDir, 'base', '1'))],
    ['the control file has changed', (dataDir) => writeFile(join(dataDir, 'global', 'pg_control'), Buffer.alloc(64))],
    ['the manifest is not JSON', (dataDir) => writeFile(join(dataDir, '..', 'manifest.json'), '{')],
  ])('again when the cached one is damaged: %s', async (_, damage) => {
    await using store = openStore();
    const { dataDir, key } = await store.build({}, buildFolder());
    await store[Symbol.asyncDispose]();
    await damage(dataDir);
    expect(await store.find(key)).toBeUndefined();
    expect(await store.build({}, buildFolder())).toMatchObject({ cached: false });
    expect(notices.join()).toContain('is damaged; it is built again');
    expect(await leftInCache()).toEqual([key]);
  });
});

describe('clones', () => {
  test('are equal and leave the snapshot alone', async () => {
    await using store = openStore();
    const snapshot = await store.build({}, buildFolder(5000));
    const target = join(cacheDir, 'not', 'yet', 'clone');
    const seen: number[] = [];
    const figures = await store.clone(snapshot, target, { onProgress: (copied) => seen.push(copied) });
    expect(figures.bytes).toBe(5064);
    expect(seen.at(-1)).toBe(5064);
    expect(await readFile(join(target, 'base', '1'))).toEqual(await readFile(join(snapshot.dataDir, 'base', '1')));
    await expect(store.clone(snapshot, target)).rejects.toThrow('exists already');
    expect(await store.find(snapshot.key)).toBeDefined();
  });

  test('that are aborted leave nothing', async () => {
    await using store = openStore();
    const snapshot = await store.build({}, buildFolder());
    const target = join(cacheDir, 'clone');
    const signal = AbortSignal.abort(new Error('stopped by the user'));
    await expect(store.clone(snapshot, target, { signal })).rejects.toThrow('stopped by the user');
    expect(await readdir(cacheDir)).not.toContain('clone');
  });
});

describe('the list', () => {
  test('tells who uses a snapshot', async () => {
    await using user = openStore();
    const { key } = await user.build({}, buildFolder());
    expect(await openStore().list()).toMatchObject([{ key, inUseBy: process.pid }]);
    await user[Symbol.asyncDispose]();
    expect((await openStore().list())[0]).not.toHaveProperty('inUseBy');
  });

  test.each([
    [0, 'just now'],
    [59_000, 'just now'],
    [60_000, '1 minute ago'],
    [7_199_000, '1 hour ago'],
    [3 * 86_400_000, '3 days ago'],
    [1000 * 86_400_000, '1,000 days ago'],
  ])('tells an age of %d ms as %s', (ageMs, text) => {
    const now = Date.parse('2026-11-20T00:00:00Z');
    expect(formatAge(new Date(now - ageMs).toISOString(), now)).toBe(text);
  });
});

describe('dropping', () => {
  test('is refused while another store uses the snapshot', async () => {
    await using user = openStore();
    await using other = openStore();
    const { key } = await user.build({}, buildFolder());
    await expect(other.drop(key)).rejects.toThrow(`in use by process ${process.pid}`);
    await user[Symbol.asyncDispose]();
    await other.drop(key);
    expect(await leftInCache()).toEqual([]);
  });

  test.each(['nonsense', '../..', 'f'.repeat(64)])('of the unknown key %s is wrong use', async (key) => {
    await expect(openStore().drop(key)).rejects.toThrow(`There is no snapshot ${key}.`);
  });

  test('goes by last use, keeps what is in use, and stops when the rest fits', async () => {
    const builder = openStore();
    const keys: string[] = [];
    for (const scale of [1, 2, 3, 4]) keys.push((await builder.build({ scale }, buildFolder(1000))).key);
    await builder[Symbol.asyncDispose]();
    for (const [age, key] of keys.toReversed().entries()) {
      const used = new Date(Date.now() - (age + 1) * 60_000);
      await utimes(join(cacheDir, 'snapshots', key, 'manifest.json'), used, used);
    }
    await using user = openStore();
    await user.find(keys[0]!);
    const oldestUsed = new Date(Date.now() - 3_600_000);
    await utimes(join(cacheDir, 'snapshots', keys[0]!, 'manifest.json'), oldestUsed, oldestUsed);

    await using store = openStore();
    const dropped = await store.evict(2500);
    expect(dropped.map(({ key }) => key)).toEqual([keys[1], keys[2]]);
    expect((await store.list()).map(({ key }) => key)).toEqual([keys[3], keys[0]]);
  });

  test('tells when what is in use exceeds the limit by itself', async () => {
    await using store = openStore(500);
    await store.build({}, buildFolder(1000));
    expect(notices).toEqual(["Snapshots in use take 0 MB, more than the cache's limit of 0 MB."]);
  });

  test('takes what has no readable manifest along', async () => {
    await using store = openStore();
    const { key, dataDir } = await store.build({ scale: 1 }, buildFolder());
    await writeFile(join(dataDir, '..', 'manifest.json'), '{');
    await store[Symbol.asyncDispose]();
    const { key: kept } = await store.build({ scale: 2 }, buildFolder());
    expect(notices).toEqual([`Dropped the snapshot ${key.slice(0, 12)}, whose manifest cannot be read.`]);
    expect(await leftInCache()).toEqual([kept]);
  });

  test('happens by itself when a build exceeds the limit', async () => {
    const first = openStore();
    const { key } = await first.build({ scale: 1 }, buildFolder(1000));
    await first[Symbol.asyncDispose]();
    await using second = openStore(2000);
    const kept = await second.build({ scale: 2 }, buildFolder(1000));
    expect((await second.list()).map((snapshot) => snapshot.key)).toEqual([kept.key]);
    expect(notices).toEqual([
      `Dropped the snapshot ${key.slice(0, 12)} (0 MB), unused for longest, to keep the cache's limit of 0 MB.`,
    ]);
  });
});

test('a finished store leaves no leases and nothing to reap', async () => {
  const store = openStore();
  await store.build({}, buildFolder());
  await store[Symbol.asyncDispose]();
  expect(await readdir(join(cacheDir, 'snapshots', 'locks'))).toEqual([]);
  expect(await reapLeftovers(cacheDir)).toEqual([]);
});
