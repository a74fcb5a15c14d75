/** A running server for a run, whatever kind it is of. */
import type { Settings } from '../scenario.ts';
import type { FoundServer } from './choice.ts';
import { startDocker } from './docker/container.ts';
import { ownVolume } from './docker/snapshots.ts';
import { startEmbedded } from './embedded.ts';
import { useExternal } from './external/server.ts';
import { reserveDatabase } from './external/snapshots.ts';
import { createRunFolder } from './leftovers.ts';
import { join } from 'node:path';
import type { Server } from './server.ts';

export interface StartOptions {
  server: FoundServer;
  postgres: { version: string; major: number };
  cacheDir: string;
  /** A data folder, in Docker a volume, or on a server that is not ours the name of a database. */
  location: string;
  settings: Settings;
  port?: number;
  /** See {@link EmbeddedOptions}; no other kind of server is started by us in a way that could heed it. */
  largePages?: boolean;
  signal?: AbortSignal;
}

/**
 * Starts a server of our own on a data folder, or takes a database of ours into use on a server that runs already. Disposing
 * need not save the data.
 * @throws EnvironmentError or UsageError
 */
export async function startServer(options: StartOptions): Promise<Server> {
  const { server, postgres, location, settings } = options;
  if (server.kind === 'external') {
    return useExternal({ target: server.target, postgres, database: location, settings });
  }
  const { cacheDir, port, signal } = options;
  const common = {
    settings,
    cacheDir,
    ...(port === undefined ? {} : { port }),
    ...(signal === undefined ? {} : { signal }),
  };
  if (server.kind === 'docker') return startDocker({ ...server, ...common, postgres, volume: location });
  const { largePages = false } = options;
  return startEmbedded({ ...common, dataDir: location, choice: server, scratch: true, largePages });
}

/** A place for a clone, which is gone when this is disposed of, or at the next run when we are killed. */
export async function reserveLocation(
  server: FoundServer,
  cacheDir: string,
): Promise<AsyncDisposable & { location: string }> {
  if (server.kind === 'external') return reserveDatabase(server.target);
  if (server.kind === 'docker') {
    const volume = await ownVolume(cacheDir, 'clone');
    return { location: volume.name, [Symbol.asyncDispose]: () => volume[Symbol.asyncDispose]() };
  }
  const folder = await createRunFolder(cacheDir);
  return { location: join(folder.path, 'data'), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
