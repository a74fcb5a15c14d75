import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EnvironmentError } from '../../src/errors.ts';
import { defaultCacheDir, ensureCacheFolder } from '../../src/server/cache.ts';
import { assertDiskSpace } from '../../src/server/disk.ts';
import { Lease } from '../../src/server/leases.ts';
import { createRunFolder, ownFolder, reapLeftovers, registerServer } from '../../src/server/leftovers.ts';
import { tellingLines } from '../../src/server/postmaster.ts';
import { commandOf, exists, isAlive, ownIdentity, type ProcessIdentity } from '../../src/server/processes.ts';
import { closedFolder } from '../../src/server/server-user.ts';
import { configurationText } from '../../src/server/settings.ts';
import { tryLock } from '../../src/snapshot/lock.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-test-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** A process that has ended: its id and start time belong to nobody. */
function deadProcess(): ProcessIdentity {
  const { pid } = spawnSync(process.execPath, ['--version']);
  return { ...ownIdentity(), pid, started: '1' };
}

/** A lease as another process would have left it. */
async function leaveLease(path: string, holder: ProcessIdentity, subject: unknown, ageMs = 0): Promise<void> {
  await writeFile(path, JSON.stringify({ holder, subject }));
  const touched = new Date(Date.now() - ageMs);
  await utimes(path, touched, touched);
}

describe('configuration text', () => {
  test('has what measuring needs, the given settings, and the access at the end', () => {
    const text = configurationText({ work_mem: '8MB', fsync: false, seed: 1 }, { port: 5433 });
    expect(text.split('\n').slice(1)).toEqual([
      "shared_preload_libraries = 'pg_stat_statements'",
      "compute_query_id = 'on'",
      "track_io_timing = 'on'",
      "work_mem = '8MB'",
      'fsync = off',
      "seed = '1'",
      "port = '5433'",
      '',
    ]);
  });

  test('keeps pg_stat_statements, once, beside other libraries', () => {
    const text = configurationText({ shared_preload_libraries: 'auto_explain, pg_stat_statements' }, {});
    expect(text).toContain("shared_preload_libraries = 'pg_stat_statements,auto_explain'");
  });

  test('names all faults at once', () => {
    expect(() => configurationText({ 'a b': 1, port: 2, hba_file: 'x' }, {})).toThrow(
      /"a b" is not the name.*setting port.*setting hba_file/,
    );
  });

  test('a value cannot end its quotes', () => {
    fc.assert(
      fc.property(
        fc.string().filter((value) => !/[\n\r\0]/.test(value)),
        (value) => {
          const line = configurationText({ 'my.setting': value }, {}).split('\n').at(-2)!;
          const quoted = /^my\.setting = '(.*)'$/.exec(line)?.[1];
          expect(quoted?.replaceAll("''", '').includes("'")).toBe(false);
          expect(quoted?.replaceAll("''", "'").replaceAll('\\\\', '\\')).toBe(value);
        },
      ),
    );
  });
});

describe('the cache folder', () => {
  test.each([
    [{ PGREHEARSE_CACHE: '/a/b', XDG_CACHE_HOME: '/x', HOME: '/h' }, '/a/b'],
    [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, '/x/pgrehearse'],
    [{ HOME: '/h' }, '/h/.cache/pgrehearse'],
    [{ PGREHEARSE_CACHE: '', XDG_CACHE_HOME: '', HOME: '/h' }, '/h/.cache/pgrehearse'],
  ])('of %o is %s', async (environment, expected) => {
    expect(await defaultCacheDir(environment)).toBe(expected);
  });

  const closedHome = process.getuid?.() === 0 && homedir() === '/root';

  test.skipIf(!closedHome)('of root, whose home is closed, lies elsewhere (skipped where it is open)', async () => {
    const closed = await closedFolder('/root/.cache');
    expect(await defaultCacheDir({ HOME: '/root' })).toBe(
      closed === undefined ? '/root/.cache/pgrehearse' : '/var/cache/pgrehearse',
    );
  });

  test('that cannot be made is told', async () => {
    await writeFile(join(folder, 'file'), '');
    const made = ensureCacheFolder(join(folder, 'file', 'cache'));
    await expect(made).rejects.toThrow(EnvironmentError);
    await expect(made).rejects.toThrow(/file\/cache cannot be written/);
  });

  test('on a disk without room is told with needed, free and place', async () => {
    await assertDiskSpace(join(folder, 'not', 'yet'), 1, 'Nothing');
    await expect(assertDiskSpace(join(folder, 'not', 'yet'), 1e18, 'Seeding at scale 9')).rejects.toThrow(
      new RegExp(`^Seeding at scale 9 needs 1000000.0 TB in ${folder}/not/yet, where [\\d.]+ [MGT]B are free\\.$`),
    );
  });
});

test.each([
  ['', 'its log is empty'],
  ['2026-11-20 23:01:02.003 UTC [7] LOG:  starting\n2026-11-20 UTC [7] FATAL:  no room.\n', 'no room'],
  [
    'x FATAL:  could not bind\nx HINT:  Is another one running?\nx LOG:  shut down',
    'could not bind; Is another one running?',
  ],
  ['error while loading shared libraries: libx.so\n', 'error while loading shared libraries: libx.so'],
])('a log %j tells "%s"', (log, expected) => {
  expect(tellingLines(log)).toBe(expected);
});

describe('processes', () => {
  test('are alive by id and start time', () => {
    expect(isAlive(ownIdentity())).toBe(true);
    expect(isAlive({ ...ownIdentity(), started: 'another time' })).toBe(false);
    expect(isAlive(deadProcess())).toBe(false);
    expect(isAlive({ ...ownIdentity(), scope: 'another machine' })).toBeUndefined();
    expect(exists(process.pid)).toBe(true);
    expect(commandOf(process.pid)).toContain('node');
  });
});

async function free(mode: 'shared' | 'exclusive'): Promise<boolean> {
  const lock = await tryLock(folder, 'key', mode);
  if (!(lock instanceof Lease)) return false;
  await lock.release();
  return true;
}

describe('locks', () => {
  test('are shared by many or held by one', async () => {
    const first = await tryLock(folder, 'key', 'shared');
    expect(await free('shared')).toBe(true);
    expect(await tryLock(folder, 'key', 'exclusive')).toEqual({ holderPid: process.pid });
    expect(await tryLock(folder, 'other', 'exclusive')).toBeInstanceOf(Lease);
    await (first as Lease<unknown>).release();
    const alone = await tryLock(folder, 'key', 'exclusive');
    expect(await free('shared')).toBe(false);
    await (alone as Lease<unknown>).release();
    expect(await free('exclusive')).toBe(true);
  });

  test('of two that try at the same moment at most one holds', async () => {
    for (let round = 0; round < 20; round++) {
      const locks = await Promise.all([1, 2, 3].map(async () => tryLock(folder, 'key', 'exclusive')));
      const held = locks.filter((lock) => lock instanceof Lease);
      expect(held.length).toBeLessThanOrEqual(1);
      await Promise.all(held.map(async (lock) => lock.release()));
    }
  });

  test.each([
    ['a dead process', () => deadProcess(), 0, true],
    ['a living process', () => ownIdentity(), 3_600_000, false],
    ['a machine that touched it just now', () => ({ ...ownIdentity(), scope: 'elsewhere' }), 1000, false],
    ['a machine that has long been silent', () => ({ ...ownIdentity(), scope: 'elsewhere' }), 3_600_000, true],
  ])('of %s', async (_, holder, ageMs, expected) => {
    await leaveLease(join(folder, 'key.exclusive.x.json'), holder(), 'exclusive', ageMs);
    expect(await free('shared')).toBe(expected);
    expect(await readdir(folder)).toHaveLength(expected ? 0 : 1);
  });
});

describe('leftovers', () => {
  test('a folder goes when it is disposed of, unless it is kept', async () => {
    const kept = await ownFolder(folder, join(folder, 'kept'), 'thing');
    await kept.keep();
    await kept[Symbol.asyncDispose]();
    const run = await createRunFolder(folder);
    expect((await stat(run.path)).isDirectory()).toBe(true);
    await run[Symbol.asyncDispose]();
    expect(await readdir(join(folder, 'runs'))).toEqual([]);
    expect((await readdir(folder)).sort((a, b) => a.localeCompare(b))).toEqual(['kept', 'running', 'runs']);
    expect(await readdir(join(folder, 'running'))).toEqual([]);
  });

  test('of living processes are left alone', async () => {
    await using run = await createRunFolder(folder);
    await using _ = await registerServer(folder, { dataDir: run.path, socketDir: 'x', unfinished: true });
    expect(await reapLeftovers(folder)).toEqual([]);
    expect(await readdir(join(folder, 'running'))).toHaveLength(2);
    expect((await stat(run.path)).isDirectory()).toBe(true);
  });

  test('of dead processes go: half-made data folders, working folders, records', async () => {
    await mkdir(join(folder, 'running'));
    const path = join(folder, 'runs', '1');
    const dataDir = join(folder, 'data');
    await mkdir(path, { recursive: true });
    await mkdir(dataDir);
    const server = { kind: 'server', dataDir, socketDir: join(folder, 'pgrehearse-x'), unfinished: true };
    const dead = deadProcess();
    await leaveLease(join(folder, 'running', 'a.json'), dead, {
      kind: 'folder',
      path,
      what: 'working folder',
    });
    await leaveLease(join(folder, 'running', 'b.json'), dead, server);
    expect(await reapLeftovers(folder)).toEqual([
      `An earlier run (process ${dead.pid}) was killed: removed its half-made data folder ${dataDir} ` +
        'and removed its working folder runs/1.',
    ]);
    expect(await readdir(join(folder, 'running'))).toEqual([]);
    expect(await reapLeftovers(join(folder, 'nothing', 'here'))).toEqual([]);
  });

  test('a process that is not the server of the folder is never stopped, a folder outside the cache never removed', async () => {
    const outside = join(folder, 'outside');
    const dataDir = join(folder, 'data');
    await mkdir(outside);
    await mkdir(dataDir);
    await mkdir(join(folder, 'cache', 'running'), { recursive: true });
    // The id of this very process, as if it had been given to us after the server ended.
    await writeFile(join(dataDir, 'postmaster.pid'), `${process.pid}\n${dataDir}\n`);
    const server = { kind: 'server', dataDir, socketDir: outside, unfinished: false };
    await leaveLease(join(folder, 'cache', 'running', 'a.json'), deadProcess(), server);
    const elsewhere = { kind: 'folder', path: outside, what: 'thing' };
    await leaveLease(join(folder, 'cache', 'running', 'b.json'), deadProcess(), elsewhere);
    expect(await reapLeftovers(join(folder, 'cache'))).toEqual([]);
    expect((await stat(outside)).isDirectory()).toBe(true);
    expect((await stat(dataDir)).isDirectory()).toBe(true);
  });
});
