/** A seeding that is killed in the middle: what the next run finds, says and makes of it. */
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exists } from '../../src/server/processes.ts';
import { pgrehearse, shop } from './command.ts';

const remark = process.platform === 'win32' ? ' (skipped: Windows has no kill -9)' : '';
/** Large enough to be caught in the act. */
const seed = ['seed', shop, '--scale', '60', '--json'];

let folder: string;
let cache: string;
let undisturbed: unknown;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-killed-'));
  await chmod(folder, 0o755);
  cache = join(folder, 'cache');
  undisturbed = tablesOf((await pgrehearse(seed, join(folder, 'undisturbed'))).stdout);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Name, rows and checksum of each table. */
function tablesOf(stdout: unknown): unknown {
  return JSON.parse(stdout as string).tables.map(({ name, rows, sha256 }: Record<string, unknown>) => ({
    name,
    rows,
    sha256,
  }));
}

interface Process {
  pid: number;
  parent: number;
  command: string;
}

async function processes(): Promise<Process[]> {
  const { stdout } = await execa('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return command === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
}

/** Waits until rows are being copied into the cache's server. */
async function copying(): Promise<{ postmaster: number; backend: number }> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(20)) {
    const all = await processes();
    const postmaster = all.find(({ command }) => command.includes(` -D ${cache}`));
    const backend = all.find(({ parent, command }) => parent === postmaster?.pid && command.endsWith(' COPY'));
    if (postmaster && backend) return { postmaster: postmaster.pid, backend: backend.pid };
  }
  throw new Error('No rows were being copied.');
}

async function expectNothingLeft(pids: number[], snapshots: number): Promise<void> {
  expect(pids.filter((pid) => exists(pid))).toEqual([]);
  expect((await processes()).filter(({ command }) => command.includes(cache))).toEqual([]);
  expect((await readdir(join(cache, 'snapshots'))).filter((name) => name !== 'locks')).toHaveLength(snapshots);
  expect(await readdir(join(cache, 'snapshots', 'locks'))).toEqual([]);
  expect(await readdir(join(cache, 'running'))).toEqual([]);
  const own = (await readdir(tmpdir())).filter((name) => pids.some((pid) => name.startsWith(`pgrehearse-${pid}-`)));
  expect(own).toEqual([]);
}

describe.skipIf(remark !== '')(`kill -9 while rows are copied${remark}`, () => {
  it('of the command: the next run tells it in one sentence, cleans up and seeds the same rows', async () => {
    const child = pgrehearse(seed, cache);
    const { postmaster } = await copying();
    child.kill('SIGKILL');
    await child;
    const next = await pgrehearse(seed, cache);
    const sentences = (next.stderr as string).split('\n').filter((line) => line.includes('An earlier run'));
    expect(sentences).toEqual([
      expect.stringMatching(
        new RegExp(
          `^An earlier run \\(process ${child.pid}\\) was killed: stopped its PostgreSQL \\(process ${postmaster}\\) ` +
            'and removed its half-made snapshot snapshots/building-[\\w-]+\\.$',
        ),
      ),
    ]);
    expect(next.exitCode).toBe(0);
    expect(tablesOf(next.stdout)).toEqual(undisturbed);
    await expectNothingLeft([child.pid!, postmaster], 1);
  });

  it.each([
    { what: 'a backend', says: /PostgreSQL crashed: .*\(PID \d+\) was terminated by signal 9/ },
    { what: 'the main process', says: /PostgreSQL crashed: its main process was killed\./ },
  ])('of $what of the server: the run ends with 5 and leaves nothing; the next one seeds the same rows', async (of) => {
    await pgrehearse(['snapshot', 'drop', '--all'], cache);
    const child = pgrehearse(seed, cache);
    const { postmaster, backend } = await copying();
    process.kill(of.what === 'a backend' ? backend : postmaster, 'SIGKILL');
    const { exitCode, stderr } = await child;
    expect(stderr).toMatch(of.says);
    expect(stderr).toContain('Run again');
    expect(exitCode).toBe(5);
    await expectNothingLeft([child.pid!, postmaster, backend], 0);
    expect(tablesOf((await pgrehearse(seed, cache)).stdout)).toEqual(undisturbed);
  });

  it('of a run under load: even `snapshot list` stops its server and removes its clone', async () => {
    const child = pgrehearse(['run', shop, '--out', join(folder, 'out')], cache);
    let told = '';
    child.stderr!.on('data', (text: Buffer) => (told += text.toString()));
    for (const deadline = Date.now() + 60_000; Date.now() < deadline && !told.includes('Drive');) await sleep(50);
    const postmaster = (await processes()).find(({ command }) => command.includes(` -D ${cache}`));
    child.kill('SIGKILL');
    await child;
    const { stderr, exitCode } = await pgrehearse(['snapshot', 'list'], cache);
    expect(stderr).toMatch(
      new RegExp(
        `^An earlier run \\(process ${child.pid}\\) was killed: ` +
          `stopped its PostgreSQL \\(process ${postmaster!.pid}\\) and removed its working folder runs/[\\w-]+\\.$`,
      ),
    );
    expect(exitCode).toBe(0);
    expect(await readdir(join(cache, 'runs'))).toEqual([]);
    await expectNothingLeft([child.pid!, postmaster!.pid], 3);
  });
});
