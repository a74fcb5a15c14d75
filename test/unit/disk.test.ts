import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { constant, defineSeed, serial } from 'pgrehearse';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DiskNeed } from '../../src/disk-need.ts';
import { DiskWatch } from '../../src/disk-watch.ts';
import { createCatalog } from '../../src/seed/catalog.ts';
import { diskSpace, formatDiskBytes, reserveBytes } from '../../src/server/disk.ts';
import { SnapshotStore } from '../../src/snapshot.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'pgrehearse-disk-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

async function needAt(scale: number, keys: string[] = ['before', 'after'], clones = 1): Promise<DiskNeed> {
  const spec = defineSeed({
    asOf: '2026-01-01T00:00:00Z',
    tables: {
      growing: { rows: 10_000_000, columns: { id: serial(), text: constant('x'.repeat(1000)) } },
      fixed: { rows: 1000, fixed: true, columns: { id: serial() } },
    },
  });
  const catalog = createCatalog(spec, { seed: 1, scale });
  return DiskNeed.of(folder, { spec, seed: 1, scale, catalog, keys: new Set(keys), clones });
}

test.each([
  [100e6, 10e6],
  [15e9, 1e9],
  [84e9, 1.68e9],
  [4e12, 2e9],
])('a disk of %d bytes keeps %d in reserve', (total, reserve) => expect(reserveBytes(total)).toBe(reserve));

test.each([
  [-1, '0 MB'],
  [12_345_678, '12 MB'],
  [999_600_000, '1.0 GB'],
  [27_140_000_000, '27.1 GB'],
  [999_990_000_000, '1.0 TB'],
])('%d bytes are %s', (bytes, text) => expect(formatDiskBytes(bytes)).toBe(text));

describe('the need', () => {
  test('holds each missing snapshot, a clone and its log', async () => {
    const [one, two] = [await needAt(1, ['before']), await needAt(1)];
    const database = two.bytes - one.bytes;
    expect(database / one.dataBytes()).toBeCloseTo(1.5);
    // The log of a database that large stops at 5 GB.
    expect(one.bytes).toBeCloseTo(2 * database + 5e9 + 1e8, -1);
    expect(one.dataBytes() / 10_000_000).toBeGreaterThan(1000);
  });

  test('of a stage with a replica holds two clones and two logs', async () => {
    const [alone, replicated] = [await needAt(1, ['before']), await needAt(1, ['before'], 2)];
    const database = alone.dataBytes() * 1.5;
    expect(replicated.bytes - alone.bytes).toBeCloseTo(database + 5e9, -1);
  });

  test('of a seeding alone holds its snapshot and the log', async () => {
    const database = (await needAt(1, ['before'], 0)).dataBytes() * 1.5;
    expect((await needAt(1, ['before'], 0)).bytes).toBeCloseTo(database + 5e9 + 1e8, -1);
  });

  test('is nothing where nothing is missing and nothing is cloned', async () => {
    await using store = new SnapshotStore(folder);
    const { key } = await store.build({}, async (dataDir) => {
      const control = Buffer.alloc(64);
      control.writeInt32LE(1, 16);
      for (const name of ['global', 'pg_wal']) await mkdir(join(dataDir, name), { recursive: true });
      await writeFile(join(dataDir, 'global', 'pg_control'), control);
      return {};
    });
    expect((await needAt(1, [key], 0)).bytes).toBe(0);
    expect((await needAt(1, [key])).bytes).toBeLessThan(2e8);
  });

  test('fits at the scale that it advises, which has two digits and is about the largest', async () => {
    const need = await needAt(1);
    const rooms = fc.double({ min: 1.2e8, max: need.bytes * 0.999, noNaN: true });
    const scales = fc.sample(rooms, { numRuns: 30, seed: 1 }).map((room) => ({ room, scale: need.scaleFor(room)! }));
    for (const { room, scale } of scales) {
      expect(scale).toBe(Number(scale.toPrecision(2)));
      expect((await needAt(scale)).bytes).toBeLessThanOrEqual(room);
      expect((await needAt(scale * 1.12)).bytes).toBeGreaterThan(room);
    }
  });

  test('fits at no scale where not even an empty server does', async () => {
    expect((await needAt(1)).scaleFor(50e6)).toBeUndefined();
  });

  test('advises a smaller scale when rows are larger than they were guessed to be', async () => {
    const need = await needAt(1);
    expect(need.scaleFor(3e9, 4)).toBeLessThan(need.scaleFor(3e9)! / 3);
  });
});

describe('a watch', () => {
  test('passes on the signal of the run', async () => {
    const stop = new AbortController();
    using watch = await DiskWatch.start({ cacheDir: folder, need: await needAt(0.001), signal: stop.signal });
    expect(watch.signal.aborted).toBe(false);
    stop.abort(new Error('stopped by the user'));
    expect(watch.signal.reason).toEqual(new Error('stopped by the user'));
  });

  test.each<[string, Error]>([
    ['a full disk of the kernel', Object.assign(new Error('write'), { code: 'ENOSPC' })],
    ['a full disk of PostgreSQL', Object.assign(new Error('could not extend file'), { code: '53100' })],
    ['a quota', Object.assign(new Error('write'), { code: 'EDQUOT' })],
    ['words of the kernel', new Error('could not write to file "base/1": No space left on device')],
    ['a cause', new Error('The server refused the rows.', { cause: Object.assign(new Error('x'), { code: '53100' }) })],
  ])('tells %s in one sentence with the next step', async (_, error) => {
    // More than there is free, whatever the machine.
    const { freeBytes } = await diskSpace(folder);
    using watch = await DiskWatch.start({ cacheDir: folder, need: await needAt(freeBytes / 1e10) });
    expect(watch.explain(error)).toMatchObject({
      exitCode: 5,
      message: expect.stringMatching(/^The disk of .* is full, .* it needs [\d.]+ [GT]B, and [\d.]+ [GMT]B were free/),
      hint: expect.stringMatching(/run with --scale [\d.]+, which fits/),
    });
  });

  test('does not blame the cache for a full disk of the results', async () => {
    using watch = await DiskWatch.start({ cacheDir: folder, need: await needAt(0.001) });
    const error = Object.assign(new Error('ENOSPC: no space left on device, open'), {
      code: 'ENOSPC',
      syscall: 'open',
      path: '/results/result.json',
    });
    expect(watch.explain(error)).toMatchObject({
      exitCode: 5,
      message: expect.stringContaining('The disk of /results/result.json is full'),
      hint: expect.stringContaining('--out'),
    });
  });

  test('does not advise a scale when the run would have fitted', async () => {
    using watch = await DiskWatch.start({ cacheDir: folder, need: await needAt(1e-6) });
    const told = watch.explain(Object.assign(new Error('write'), { code: 'ENOSPC' }));
    expect(told).toMatchObject({ hint: expect.stringContaining('Something else took the room') });
  });

  test('leaves other errors as they are', async () => {
    using watch = await DiskWatch.start({ cacheDir: folder, need: await needAt(0.001) });
    const error = new Error('something else');
    expect(watch.explain(error)).toBe(error);
  });
});
