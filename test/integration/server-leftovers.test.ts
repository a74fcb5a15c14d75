/** What is left of servers whose process ends in all the ways there are. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { reapLeftovers } from '../../src/server/leftovers.ts';
import { exists } from '../../src/server/processes.ts';
import { closedFolder } from '../../src/server/server-user.ts';
import { temporaryFolder } from './postgres.ts';

const childFile = fileURLToPath(new URL('./server-child.ts', import.meta.url));

interface Started {
  pid: number;
  dataDir: string;
  socketDir: string;
  version: string;
}

/** Starts the child and waits until it tells about its server. */
async function startChild(
  cacheDir: string,
  end: string,
  user?: number,
): Promise<{ child: ChildProcess; server: Started }> {
  const env = { PATH: process.env['PATH'] };
  const child = spawn(process.execPath, [childFile, cacheDir, end], {
    cwd: '/',
    env: user === undefined ? process.env : env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const line = await Promise.race([
    once(child.stdout, 'data').then(([chunk]) => String(chunk)),
    once(child, 'exit').then(() => Promise.reject(new Error(`The child ended: ${errors}`))),
  ]);
  return { child, server: JSON.parse(line) as Started };
}

function expectNothingLeft(server: Started): void {
  expect({
    process: exists(server.pid),
    socket: existsSync(server.socketDir),
    data: existsSync(server.dataDir),
  }).toEqual({
    process: false,
    socket: false,
    data: false,
  });
}

test.each(['throw', 'exit', 'stop'])('a process that ends by "%s" leaves no server and no folder', async (end) => {
  await using cache = await temporaryFolder();
  const { child, server } = await startChild(cache.path, end);
  if (child.exitCode === null) await once(child, 'exit');
  expectNothingLeft(server);
  expect(await reapLeftovers(cache.path)).toEqual([]);
});

test('the server of a killed process is stopped at the next start, that of a living one is not', async () => {
  await using cache = await temporaryFolder();
  const killed = await startChild(cache.path, 'wait');
  const living = await startChild(cache.path, 'wait');
  killed.child.kill('SIGKILL');
  await once(killed.child, 'exit');
  expect(exists(killed.server.pid)).toBe(true);

  const found = await reapLeftovers(cache.path);
  expect(found).toEqual([
    expect.stringContaining(
      `An earlier run (process ${killed.child.pid}) was killed: stopped its PostgreSQL (process ${killed.server.pid}) ` +
        'and removed its working folder runs/',
    ),
  ]);
  expectNothingLeft(killed.server);
  expect(exists(living.server.pid)).toBe(true);
  expect(existsSync(living.server.dataDir)).toBe(true);

  living.child.kill('SIGKILL');
  await once(living.child, 'exit');
  expect(await reapLeftovers(cache.path)).toHaveLength(1);
  expectNothingLeft(living.server);
  expect(await readdir(join(cache.path, 'running'))).toEqual([]);
});

const nobody = 65_534;
const closed = (await closedFolder(dirname(childFile))) ?? (await closedFolder(process.execPath));
const unable =
  process.getuid?.() === 0 ? closed && `other users cannot enter ${closed}` : 'only root can become another user';
const remark = unable ? ` (skipped: ${unable})` : '';

test.skipIf(unable)(`an ordinary user without a home can do the same${remark}`, async () => {
  await using cache = await temporaryFolder();
  await chown(cache.path, nobody, nobody);
  const { child, server } = await startChild(cache.path, 'stop', nobody);
  if (child.exitCode === null) await once(child, 'exit');
  expect(child.exitCode).toBe(0);
  expect(server.version).toMatch(/^\d+\.\d+$/);
  expectNothingLeft(server);
});
