/** A real PostgreSQL server for one test file. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../../src/scenario.ts';
import { startEmbedded } from '../../src/server/embedded.ts';
import type { LocalServer } from '../../src/server/server.ts';

/** A folder under the temporary folder that the server's user can enter; disposing removes it. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'pgrehearse-test-'));
  await chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Starts an embedded server in a folder of its own: `await using server = await startTestServer()`. Not durable and small,
 * because its data lives as long as the test. Disposing stops it and removes the folder.
 */
export async function startTestServer(settings: Settings = {}): Promise<LocalServer> {
  const folder = await temporaryFolder();
  const modest: Settings = { fsync: false, shared_buffers: '32MB', max_connections: 50 };
  try {
    const server = await startEmbedded({
      dataDir: join(folder.path, 'data'),
      cacheDir: join(folder.path, 'cache'),
      settings: { ...modest, ...settings },
      scratch: true,
    });
    const stop = server[Symbol.asyncDispose].bind(server);
    server[Symbol.asyncDispose] = async () => {
      await stop();
      await folder[Symbol.asyncDispose]();
    };
    return server;
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}
