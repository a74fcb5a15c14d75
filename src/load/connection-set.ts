/** The connections of one worker: opened together, restored between blocks, to one server or to a server and its replica. */
import { Client } from 'pg';
import { EnvironmentError, messageOf } from '../errors.ts';
import type { PlanChoice } from '../observe/record.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { applicationName, LoadConnection, type ConnectionSettings } from './client.ts';
import type { DatabaseRoute } from './route.ts';

/** A place in the pool. */
export interface PooledConnection {
  readonly isOpen: boolean;
  /** Its connections to servers: one, or with a replica two. */
  readonly sessions: readonly LoadConnection[];
  /** As LoadConnection has it. */
  readonly firstByteUs: number;
  open(): Promise<void>;
  close(): Promise<void>;
  run(transaction: number, params: unknown): Promise<unknown>;
}

/** What a set is opened with. */
export interface SetSettings extends Omit<ConnectionSettings, 'target' | 'server'> {
  route: DatabaseRoute;
}

/** A place in the pool where there is a replica: its user has a connection to each, and one transaction at a time. */
class RoutedConnection implements PooledConnection {
  readonly sessions: readonly LoadConnection[];
  readonly #ofTransaction: readonly LoadConnection[];
  #latest: LoadConnection;

  constructor(primary: LoadConnection, replica: LoadConnection, { transactions }: SetSettings) {
    this.sessions = [primary, replica];
    this.#latest = primary;
    this.#ofTransaction = transactions.map(({ onReplica }) => (onReplica === true ? replica : primary));
  }

  get isOpen(): boolean {
    return this.sessions.every(({ isOpen }) => isOpen);
  }

  get firstByteUs(): number {
    return this.#latest.firstByteUs;
  }

  async open(): Promise<void> {
    await Promise.all(this.sessions.filter(({ isOpen }) => !isOpen).map((session) => session.open()));
  }

  async close(): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.close()));
  }

  run(transaction: number, params: unknown): Promise<unknown> {
    this.#latest = this.#ofTransaction[transaction]!;
    return this.#latest.run(transaction, params);
  }
}

function connectionOf(settings: SetSettings): PooledConnection {
  const { route, ...rest } = settings;
  const { connection, direct, replica, directReplica } = route;
  const primary = new LoadConnection({ ...rest, target: connection, server: direct });
  if (replica === undefined) return primary;
  return new RoutedConnection(
    primary,
    new LoadConnection({ ...rest, target: replica, server: directReplica }),
    settings,
  );
}

/** A fixed number of connections. Disposing closes them; backends that are still busy are ended. */
export class ConnectionSet implements AsyncDisposable {
  readonly connections: readonly PooledConnection[];
  readonly #settings: SetSettings;
  readonly #least: number;

  private constructor(settings: SetSettings, count: number, least: number) {
    this.#settings = settings;
    this.#least = least;
    this.connections = Array.from({ length: count }, () => connectionOf(settings));
  }

  /** Those that are open between blocks. */
  get #kept(): readonly PooledConnection[] {
    return this.connections.slice(0, this.#least);
  }

  /**
   * @param least so many are opened now, the others when they are needed; default all
   * @throws EnvironmentError when a connection cannot be opened
   */
  static async open(settings: SetSettings, count: number, least = count): Promise<ConnectionSet> {
    const set = new ConnectionSet(settings, count, least);
    const opened = await Promise.allSettled(set.#kept.map((connection) => connection.open()));
    const refused = opened.find((outcome) => outcome.status === 'rejected');
    if (refused === undefined) return set;
    await set[Symbol.asyncDispose]();
    const { host, port, database } = settings.route.connection;
    throw new EnvironmentError(
      `The load generator cannot open ${least} connections to ${database} at ${host}:${port}: ${messageOf(refused.reason)}`,
      { hint: 'Check that the server runs and that max_connections allows as many.', cause: refused.reason },
    );
  }

  /**
   * As at the beginning: opens again what was lost, and closes what is opened on demand. What cannot be opened is left to the next
   * transaction that gets it, which then fails.
   */
  async restore(): Promise<void> {
    const lost = this.#kept.filter(({ isOpen }) => !isOpen);
    const more = this.connections.slice(this.#least);
    await Promise.allSettled([
      ...lost.map((connection) => connection.open()),
      ...more.map((connection) => connection.close()),
    ]);
  }

  /** How the servers planned the statements, connection by connection; without those that are lost meanwhile. */
  async planChoices(): Promise<PlanChoice[]> {
    const sessions = this.connections.flatMap((connection) => connection.sessions);
    const told = await Promise.allSettled(sessions.map((session) => session.planChoices()));
    return told.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
  }

  /**
   * Ends the backends of these connections and waits until they are gone, for at most two seconds: a statement that outlived its
   * block must not run into the next.
   */
  async terminate(busy: readonly PooledConnection[]): Promise<void> {
    const open = busy.flatMap(({ sessions }) => sessions).filter(({ isOpen }) => isOpen);
    const { connection, direct = connection, replica, directReplica = replica } = this.#settings.route;
    for (const server of [direct, directReplica]) {
      const own = open.filter(({ server: of }) => of === server);
      if (server !== undefined && own.length > 0) await endBackends(server, own);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection.close()));
  }
}

/**
 * A pooler hands out a backend for a transaction, so that nobody knows whose is whose: then all that work for the load are ended. That is
 * when a block is over, so that only what outlived it is at work.
 */
async function endBackends(server: ConnectionTarget, sessions: readonly LoadConnection[]): Promise<void> {
  const control = new Client({ ...server, application_name: 'pgrehearse load control' });
  try {
    await control.connect();
    if (sessions.some(({ isPooled }) => isPooled)) {
      await control.query(
        `SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity
          WHERE application_name = $1 AND datname = current_database() AND state <> 'idle'`,
        [applicationName],
      );
    } else {
      const pids = sessions.map(({ backendPid }) => backendPid);
      await control.query('SELECT pg_terminate_backend(pid, 2000) FROM unnest($1::int[]) AS pid', [pids]);
    }
  } finally {
    await control.end();
  }
}
