/** PgBouncer in transaction mode in front of the servers of a stage: on a Unix socket in a folder of its own. */
import { unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { Client } from 'pg';
import { EnvironmentError } from '../errors.ts';
import { ProcessGroup } from '../http/process-group.ts';
import { openForServer, writeForServer } from '../server/initdb.ts';
import { uniqueName } from '../server/leases.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { asServerUser } from '../server/server-user.ts';
import { ownSocketFolder } from '../server/socket-folder.ts';
import {
  certificateFiles,
  configurationPath,
  pgBouncerIni,
  poolerPort,
  tlsOf,
  type PoolerConfiguration,
} from './pgbouncer-ini.ts';
import { pgBouncerPath } from './plan.ts';

export interface PoolerOptions extends Omit<PoolerConfiguration, 'folder'> {
  /** In messages. */
  stage: string;
  cacheDir: string;
}

const readyWithinMs = 10_000;

/** A running PgBouncer. Disposing stops it. */
export class Pooler implements AsyncDisposable {
  readonly pid: number;
  readonly #group: ProcessGroup;
  readonly #target: ConnectionTarget;
  #resources: AsyncDisposable | undefined;

  private constructor(group: ProcessGroup, target: ConnectionTarget) {
    this.#group = group;
    this.pid = group.pid;
    this.#target = target;
  }

  /** @throws EnvironmentError with its last words when it does not start */
  static async start(options: PoolerOptions): Promise<Pooler> {
    const { stage, cacheDir, databases } = options;
    await using starting = new AsyncDisposableStack();
    const folder = starting.use(await ownSocketFolder(cacheDir)).path;
    const name = `PgBouncer of stage ${stage}`;
    const group = starting.use(await startProcess(name, cacheDir, { ...options, folder }));
    const { user } = Object.values(databases)[0]!;
    const pooler = new Pooler(group, { host: folder, port: poolerPort, user, database: '', ssl: false });
    await pooler.#untilReady(name, Object.keys(databases)[0]!);
    pooler.#resources = starting.move();
    return pooler;
  }

  async #untilReady(name: string, database: string): Promise<void> {
    const deadline = performance.now() + readyWithinMs;
    while (performance.now() < deadline) {
      this.#group.died.throwIfAborted();
      if (await answers(this.connection(database))) return;
      await sleep(20);
    }
    this.#group.died.throwIfAborted();
    throw new EnvironmentError(`${name} let nobody through within ${readyWithinMs / 1000} s.${this.#group.tail}`);
  }

  /** Aborted with the error to tell when it ended by itself. */
  get died(): AbortSignal {
    return this.#group.died;
  }

  /** @param name of a database as it was told at the start */
  connection(name: string): ConnectionTarget {
    return { ...this.#target, database: name };
  }

  /** Why it ended by itself, in place of what a client met; any other error as it is. */
  explain(error: unknown): Promise<unknown> {
    return this.#group.explain(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources?.[Symbol.asyncDispose]();
  }
}

async function startProcess(name: string, cacheDir: string, configuration: PoolerConfiguration): Promise<ProcessGroup> {
  const { folder, databases } = configuration;
  for (const [path, text] of Object.entries(certificateFiles(configuration, rootCertificates))) {
    await writeForServer(path, text);
  }
  const tls = tlsOf(databases);
  await using ini = await namelessFile(folder, pgBouncerIni(configuration));
  await using key = await namelessFile(folder, (tls && tls.key) || '');
  return await ProcessGroup.start({
    name,
    cacheDir,
    command: ['pgbouncer', configurationPath],
    folder,
    env: pgBouncerPath(),
    user: asServerUser(),
    files: [ini.fd, key.fd],
  });
}

/** An open file that is on no path before anything is in it: secrets in it are gone with their readers, whatever happens to us. */
async function namelessFile(folder: string, text: string): Promise<FileHandle> {
  const path = join(folder, uniqueName());
  const file = await openForServer(path);
  await unlink(path);
  // Whoever opens it by its number reads from where we are, on systems where that is not the beginning.
  await file.write(text, 0);
  return file;
}

async function answers(target: ConnectionTarget): Promise<boolean> {
  const client = new Client({ ...target, connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
