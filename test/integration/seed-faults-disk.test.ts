/** A disk that fills up: a small file system in memory, which root may mount. */
import { chmod, mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pgrehearse, shop } from './command.ts';

const growing = 'test/fixtures/growing-shop.ts';

/** A file system of 1 GB, of which a tenth is the reserve. */
async function mountSmallDisk(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pgrehearse-disk-'));
  try {
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=1g,mode=755', 'tmpfs', folder]);
    return folder;
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
}

async function unmount(folder: string): Promise<void> {
  await execa('umount', [folder]);
  await rm(folder, { recursive: true });
}

const unable = await mountSmallDisk().then(unmount, () => 'no file system can be mounted here; root on Linux can');
const remark = unable === undefined ? '' : ` (skipped: ${unable})`;

describe.skipIf(unable !== undefined)(`a small disk${remark}`, () => {
  let disk: string;
  let cache: string;
  beforeAll(async () => {
    disk = await mountSmallDisk();
    await chmod(disk, 0o755);
    cache = join(disk, 'cache');
  });
  beforeEach(() => rm(cache, { recursive: true, force: true }));
  afterAll(() => unmount(disk));

  async function expectNothingLeft(): Promise<void> {
    expect((await readdir(join(cache, 'snapshots'))).filter((name) => name !== 'locks')).toEqual([]);
    expect(await readdir(join(cache, 'running'))).toEqual([]);
    expect(await readdir(join(cache, 'runs')).catch(() => [])).toEqual([]);
  }

  /** Leaves less than the reserve. */
  async function fillUp(): Promise<void> {
    const { bavail, bsize } = await statfs(disk);
    await execa('fallocate', ['--length', String(bavail * bsize - 40e6), join(disk, 'foreign')]);
  }

  it('is refused beforehand when it is too small, with a scale that is not refused', async () => {
    const { exitCode, stderr } = await pgrehearse(['seed', shop, '--scale', '5000'], cache);
    expect(stderr).toMatch(/shop at scale 5000 needs [\d.]+ [GM]B in .*, where [\d.]+ [GM]B are free\./);
    expect(exitCode).toBe(5);
    const scale = /--scale ([\d.]+), which fits/.exec(stderr as string)![1]!;
    const child = pgrehearse(['seed', shop, '--scale', scale], cache);
    child.stderr!.on('data', (text: Buffer) => {
      if (text.toString().includes('Seed the baseline')) child.kill('SIGINT');
    });
    expect((await child).exitCode).toBe(130);
    await expectNothingLeft();
  });

  it('ends a seeding whose rows are larger than they were guessed to be before it is full', async () => {
    const run = pgrehearse(['seed', growing, '--scale', '12'], cache);
    let leastFree = Infinity;
    const look = setInterval(() => {
      void statfs(disk).then(({ bavail, bsize }) => (leastFree = Math.min(leastFree, bavail * bsize)));
    }, 20);
    const { exitCode, stderr } = await run;
    clearInterval(look);
    expect(stderr).toMatch(
      /error: The disk of .*cache has only \d+ MB left, so the run was stopped and its half-made data removed; it needs [\d.]+ [GM]B, and [\d.]+ [GM]B were free at its start\.\n.*run with --scale [\d.]+, which fits/,
    );
    expect(exitCode).toBe(5);
    expect(leastFree).toBeGreaterThan(0);
    await expectNothingLeft();
    const scale = /--scale ([\d.]+), which fits/.exec(stderr as string)![1]!;
    expect((await pgrehearse(['seed', growing, '--scale', scale], cache)).exitCode).toBe(0);
  });

  it('still gives what is in the cache when it is full', async () => {
    expect((await pgrehearse(['seed', shop], cache)).exitCode).toBe(0);
    await fillUp();
    const { exitCode, stderr } = await pgrehearse(['seed', shop], cache);
    await rm(join(disk, 'foreign'));
    expect(stderr).toContain('The seeded data is in the cache');
    expect(exitCode).toBe(0);
  });

  it('ends a run whose disk somebody else fills during the load', async () => {
    const child = pgrehearse(['run', shop, '--out', join(disk, 'out')], cache);
    let told = '';
    child.stderr!.on('data', (text: Buffer) => {
      told += text.toString();
      if (!/before: Drive .*\.\.\./.test(told)) return;
      told = '';
      void fillUp();
    });
    const { exitCode, stderr } = await child;
    await rm(join(disk, 'foreign'), { force: true });
    expect(stderr).toMatch(/has only \d+ MB left.*\nSomething else took the room meanwhile/);
    expect(exitCode).toBe(5);
    expect(await readdir(join(cache, 'running'))).toEqual([]);
    expect(await readdir(join(cache, 'runs'))).toEqual([]);
  });
});
