/** Folders for Unix sockets, closed to everybody but the server's user (and root). */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveToServer } from './initdb.ts';
import { uniqueName } from './leases.ts';
import { ownSockets, socketDirPrefix } from './leftovers.ts';
import { closedFolder } from './server-user.ts';

/** A Unix socket's path has at most 107 bytes (103 on macOS), so the socket cannot lie in the data folder. */
const longestSocketPath = process.platform === 'linux' ? 107 : 103;

/** A path for a folder that is not made yet. */
export async function chooseSocketFolder(): Promise<string> {
  const folder = join(tmpdir(), socketDirPrefix + uniqueName());
  const tooLong = Buffer.byteLength(join(folder, '.s.PGSQL.65535')) > longestSocketPath;
  const usable = !tooLong && (await closedFolder(tmpdir())) === undefined;
  return usable ? folder : join('/tmp', socketDirPrefix + uniqueName());
}

export async function makeSocketFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  await giveToServer(path);
}

/** A folder that is removed when this is disposed of, when this process ends, or, after a kill, at the next start. */
export async function ownSocketFolder(cacheDir: string): Promise<AsyncDisposable & { path: string }> {
  const path = await chooseSocketFolder();
  await using making = new AsyncDisposableStack();
  making.use(await ownSockets(cacheDir, path));
  await makeSocketFolder(path);
  const kept = making.move();
  return { path, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
