/** A real PostgreSQL, from npm or installed, with a data folder of its own, started and stopped by us. */
import { rm, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError, messageOf, PgrehearseError } from '../errors.ts';
import type { Settings } from '../scenario.ts';
import type { Binaries } from './binaries.ts';
import { ensureCacheFolder } from './cache.ts';
import { findPrograms, type ServerChoice } from './choice.ts';
import { isInitialised, makeDataDir, readPassword, settingsFile, superuser, writeForServer } from './initdb.ts';
import { registerServer, type ServerRegistration } from './leftovers.ts';
import { assertPortFree, freePort } from './ports.ts';
import { findCrash, startPostmaster, stopPostmaster, type Postmaster } from './postmaster.ts';
import { makeMarkedDatabase } from './mark.ts';
import type { Capabilities, ConnectionTarget, LocalServer } from './server.ts';
import { configurationText } from './settings.ts';
import { chooseSocketFolder, makeSocketFolder } from './socket-folder.ts';

/** What an embedded server is started with. */
export interface EmbeddedOptions {
  /** Made by initdb where it is missing or empty. */
  dataDir: string;
  /** On top of PostgreSQL's defaults and of what measuring needs. */
  settings: Settings;
  /** Which PostgreSQL; default: the one that comes with pgrehearse. */
  choice?: ServerChoice;
  /** Port on loopback; default: a free one. */
  port?: number;
  cacheDir: string;
  /** Disposing and `stop` need not save the data: the server then stops at once, without writing it out. */
  scratch?: boolean;
  /** Sorts in large pages, where the system has them: quicker, and not what a server in production does. Not for anything that is measured. */
  largePages?: boolean;
  signal?: AbortSignal;
}

/**
 * Starts PostgreSQL and waits until it accepts connections. It listens on a Unix socket in a private folder and on
 * loopback, and runs as an ordinary user also when we are root.
 * @throws EnvironmentError, UsageError for settings that are not for the user to set, or the signal's reason; a failed
 *   start leaves no process behind.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<LocalServer> {
  configurationText(options.settings, {});
  if (options.port !== undefined) await assertPortFree(options.port);
  const cacheDir = await ensureCacheFolder(options.cacheDir);
  const { choice = { kind: 'embedded' } } = options;
  const binaries = await findPrograms(choice, cacheDir);
  options.signal?.throwIfAborted();
  const dataDir = resolve(options.dataDir);
  const socketDir = await chooseSocketFolder();
  const fresh = !(await isInitialised(dataDir, binaries.major));
  await using cleanup = new AsyncDisposableStack();
  const registration = cleanup.use(await registerServer(cacheDir, { dataDir, socketDir, unfinished: fresh }));
  if (fresh) await makeDataDir(binaries, dataDir, options.signal);
  await registration.finished();
  cleanup.defer(() => rm(socketDir, { recursive: true, force: true }));
  await makeSocketFolder(socketDir);
  const { scratch = false, largePages = false } = options;
  const password = await readPassword(dataDir);
  const server = new EmbeddedServer({
    kind: choice.kind,
    binaries,
    registration,
    dataDir,
    socketDir,
    password,
    scratch,
    largePages,
  });
  await server.start(options.settings, options.port, options.signal);
  server.resources = cleanup.move();
  return server;
}

/** Containers often get 64 MB of POSIX shared memory: too little for the workers of one parallel hash join. */
const enoughSharedMemoryBytes = 512 * 2 ** 20;

/** System V shared memory has no such limit. */
async function sharedMemorySettings(): Promise<Settings> {
  const memory = await statfs('/dev/shm').catch(() => undefined);
  const scarce = memory !== undefined && memory.blocks * memory.bsize < enoughSharedMemoryBytes;
  return scarce ? { dynamic_shared_memory_type: 'sysv' } : {};
}

/** What a server stands on, made before it starts. */
interface Foundation {
  kind: LocalServer['kind'];
  binaries: Binaries;
  registration: ServerRegistration;
  dataDir: string;
  socketDir: string;
  password: string;
  scratch: boolean;
  largePages: boolean;
}

class EmbeddedServer implements LocalServer {
  readonly gaps = [];
  readonly kind: LocalServer['kind'];
  readonly version: string;
  readonly major: number;
  readonly capabilities: Capabilities = { restart: true, configure: true, clone: true };
  readonly dataDir: string;
  resources = new AsyncDisposableStack();
  readonly #foundation: Foundation;
  #settings: Settings = {};
  #port = 0;
  #postmaster: Postmaster | undefined;

  constructor(foundation: Foundation) {
    this.#foundation = foundation;
    this.kind = foundation.kind;
    this.dataDir = foundation.dataDir;
    this.version = foundation.binaries.version;
    this.major = foundation.binaries.major;
  }

  get pid(): number {
    if (this.#postmaster === undefined) throw new EnvironmentError('The PostgreSQL server is stopped.');
    return this.#postmaster.pid;
  }

  get processes(): readonly number[] {
    return [this.pid];
  }

  connection(database = 'postgres'): ConnectionTarget {
    // Windows has no Unix sockets that the driver could use.
    if (process.platform === 'win32') return this.loopbackConnection(database);
    return { host: this.#foundation.socketDir, port: this.#port, user: superuser, database, ssl: false };
  }

  loopbackConnection(database: string): ConnectionTarget {
    const { password } = this.#foundation;
    return { host: '127.0.0.1', port: this.#port, user: superuser, database, password, ssl: false };
  }

  /** A free port may be taken by somebody else before the server binds it: then another one is tried. */
  async start(settings: Settings, port: number | undefined, signal?: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#startOnce(settings, port ?? (await freePort()), signal);
      } catch (error) {
        const lostRace = port === undefined && /address already in use/i.test(messageOf(error));
        if (!lostRace || attempt === 3) throw error;
      }
    }
  }

  async #startOnce(settings: Settings, port: number, signal?: AbortSignal): Promise<void> {
    const { binaries, registration, socketDir, largePages } = this.#foundation;
    const text = configurationText(
      { ...(await sharedMemorySettings()), ...settings },
      {
        listen_addresses: '127.0.0.1',
        port,
        unix_socket_directories: process.platform === 'win32' ? '' : socketDir,
        unix_socket_permissions: '0700',
      },
    );
    await writeForServer(join(this.dataDir, settingsFile), text);
    this.#postmaster = await startPostmaster(binaries, this.dataDir, registration, { largePages, signal });
    this.#settings = settings;
    this.#port = port;
  }

  async restart(settings: Settings = this.#settings): Promise<void> {
    configurationText(settings, {});
    await this.#stopPostmaster('fast');
    await this.#startOnce(settings, this.#port);
  }

  async #stopPostmaster(mode: 'fast' | 'immediate'): Promise<void> {
    const postmaster = this.#postmaster;
    if (postmaster === undefined) return;
    await stopPostmaster(postmaster, this.#foundation.binaries, mode);
    this.#postmaster = undefined;
  }

  async makeDatabase(name: string): Promise<void> {
    await makeMarkedDatabase(this.connection(), name);
  }

  async explain(error: unknown): Promise<unknown> {
    // Known already, and no matter of the server.
    if (error instanceof PgrehearseError && !(error instanceof EnvironmentError)) return error;
    // A client may notice the crash before the server has written about it.
    for (let look = 0; look < 5; look++) {
      const ended = this.#postmaster !== undefined && this.#foundation.registration.pid === undefined;
      const crash = await findCrash(this.dataDir, ended, error);
      if (crash !== undefined) return crash;
      await sleep(100);
    }
    return error;
  }

  async stop(): Promise<void> {
    await this.#stopPostmaster(this.#foundation.scratch ? 'immediate' : 'fast');
    await this.resources.disposeAsync();
  }

  async shutDown(): Promise<void> {
    await this.#stopPostmaster('fast');
    await this.resources.disposeAsync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
