/** PgBouncer in transaction mode in front of a server of ours: on a Unix socket in the server's own folder, with a file of its own. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { EnvironmentError } from '../errors.ts';
import { ProcessGroup } from '../http/process-group.ts';
import type { PoolerSpec } from '../scenario.ts';
import { writeForServer } from '../server/initdb.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { asServerUser } from '../server/server-user.ts';
import { pgBouncerPath, type PgBouncer } from './plan.ts';

export interface PoolerOptions {
  spec: PoolerSpec & PgBouncer;
  /** In messages. */
  stage: string;
  cacheDir: string;
  /** Private to the server's user, and removed with the server, also after a kill. */
  folder: string;
  /** Servers by the name that the pooler has for them. */
  databases: Readonly<Record<string, ConnectionTarget>>;
  statementTimeoutMs: number;
  /** Most connections of clients. */
  clients: number;
}

/** PgBouncer's own default. */
export const defaultPoolSize = 20;
/** PgBouncer's own default since 1.24; before it is 0, which forbids them. */
const defaultPreparedStatements = 200;
const readyWithinMs = 10_000;

/** The text of pgbouncer.ini. Names are those of PgBouncer's manual (config.md). */
export function pgBouncerIni(options: Omit<PoolerOptions, 'stage' | 'cacheDir'>, port: number): string {
  const { spec, folder, databases, statementTimeoutMs, clients } = options;
  const { poolSize = defaultPoolSize, queryWaitTimeoutMs, serverIdleTimeoutMs, maxPreparedStatements } = spec;
  const settings = {
    unix_socket_dir: folder,
    unix_socket_mode: '0700',
    listen_port: port,
    // Whoever can enter the folder may connect: the server's user and root, as with the server itself.
    auth_type: 'any',
    pool_mode: 'transaction',
    default_pool_size: poolSize,
    max_client_conn: clients,
    // It refuses parameters that it does not know; the timeout is set when it connects to the server.
    ignore_startup_parameters: 'statement_timeout,extra_float_digits',
    ...(queryWaitTimeoutMs === undefined ? {} : { query_wait_timeout: queryWaitTimeoutMs / 1000 }),
    ...(serverIdleTimeoutMs === undefined ? {} : { server_idle_timeout: serverIdleTimeoutMs / 1000 }),
    ...(spec.keepsStatements ? { max_prepared_statements: maxPreparedStatements ?? defaultPreparedStatements } : {}),
    log_connections: 0,
    log_disconnections: 0,
  };
  return [
    '[databases]',
    ...Object.entries(databases).map(([name, target]) => `${name} = ${connectString(target, statementTimeoutMs)}`),
    '[pgbouncer]',
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
    '',
  ].join('\n');
}

function connectString({ host, port, user, password, database }: ConnectionTarget, statementTimeoutMs: number): string {
  const values = {
    host,
    port,
    user,
    ...(password === undefined ? {} : { password }),
    dbname: database,
    connect_query: `SET statement_timeout = ${statementTimeoutMs}`,
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}='${String(value).replaceAll("'", "''")}'`)
    .join(' ');
}

/** A running PgBouncer. Disposing stops it. */
export class Pooler implements AsyncDisposable {
  readonly pid: number;
  readonly #group: ProcessGroup;
  readonly #target: ConnectionTarget;

  private constructor(group: ProcessGroup, target: ConnectionTarget) {
    this.#group = group;
    this.pid = group.pid;
    this.#target = target;
  }

  /** @throws EnvironmentError with its last words when it does not start */
  static async start(options: PoolerOptions): Promise<Pooler> {
    const { stage, cacheDir, folder, databases } = options;
    const [server] = Object.values(databases);
    // Sockets in one folder are told apart by their ports.
    const port = server!.port === 6432 ? 6433 : 6432;
    const file = join(folder, 'pgbouncer.ini');
    await writeForServer(file, pgBouncerIni(options, port));
    const name = `PgBouncer of stage ${stage}`;
    await using starting = new AsyncDisposableStack();
    const group = starting.use(
      await ProcessGroup.start({
        name,
        cacheDir,
        command: ['pgbouncer', file],
        folder,
        env: pgBouncerPath(),
        user: asServerUser(),
      }),
    );
    const pooler = new Pooler(group, { host: folder, port, user: server!.user, database: '', ssl: false });
    await pooler.#untilReady(name, Object.keys(databases)[0]!);
    starting.move();
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
    await this.#group[Symbol.asyncDispose]();
  }
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
