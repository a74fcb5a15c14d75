/** Programs that a killed command has left: found by their process id and start time, so that nobody else's is ever stopped. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ownGroup, reapLeftovers } from '../../src/server/leftovers.ts';
import { identityOf, type ProcessIdentity } from '../../src/server/processes.ts';

const cacheFolder = () => mkdtempDisposable(join(tmpdir(), 'pgrehearse-leftovers-'));

/** A program that leads a group, with another one that it has started. */
async function startGroup(): Promise<{ leader: ChildProcess; identity: ProcessIdentity } & Disposable> {
  const leader = spawn('sh', ['-c', 'sleep 60 & echo started; wait'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(leader.stdout, 'data');
  const stop = (): void => {
    if (leader.exitCode === null && leader.signalCode === null) process.kill(-leader.pid!, 'SIGKILL');
  };
  return { leader, identity: identityOf(leader.pid!)!, [Symbol.dispose]: stop };
}

/** What a command that has died meanwhile said of a program. */
async function recordOfDead(cacheDir: string, leader: ProcessIdentity): Promise<void> {
  const holder = { ...leader, pid: 2 ** 22 + 1 };
  await mkdir(join(cacheDir, 'running'), { recursive: true });
  const subject = { kind: 'group', leader, name: 'the service of stage after' };
  await writeFile(join(cacheDir, 'running', 'record.json'), JSON.stringify({ holder, subject }));
}

it('stops what a dead command has started, with all that this has started', async () => {
  await using cache = await cacheFolder();
  using group = await startGroup();
  await recordOfDead(cache.path, group.identity);
  const { pid } = group.leader;
  // Closed when nobody holds its output any more.
  const closed = once(group.leader, 'close');
  expect(await reapLeftovers(cache.path)).toEqual([
    expect.stringContaining(`was killed: stopped the service of stage after (process ${pid}).`),
  ]);
  await closed;
  expect(await readdir(join(cache.path, 'running'))).toEqual([]);
});

it('leaves a later process alone that has the same id', async () => {
  await using cache = await cacheFolder();
  using group = await startGroup();
  await recordOfDead(cache.path, { ...group.identity, started: '1' });
  expect(await reapLeftovers(cache.path)).toEqual([]);
  expect(identityOf(group.leader.pid!)).toEqual(group.identity);
});

it('leaves the programs of a living command alone', async () => {
  await using cache = await cacheFolder();
  using group = await startGroup();
  {
    await using _ = await ownGroup(cache.path, group.leader.pid!, 'the service of stage after');
    expect(await readdir(join(cache.path, 'running'))).toHaveLength(1);
    expect(await reapLeftovers(cache.path)).toEqual([]);
    expect(identityOf(group.leader.pid!)).toEqual(group.identity);
  }
  expect(await readdir(join(cache.path, 'running'))).toEqual([]);
});
