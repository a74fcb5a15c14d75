/** A stage's servers alive, and where its transactions go: the server alone, or with a replica beside it and a pooler in front. */
import { databaseName } from '../database.ts';
import type { DatabaseRoute } from '../load/route.ts';
import type { LoadSpec, Settings } from '../scenario.ts';
import type { Server } from '../server/server.ts';
import { Pooler } from './pgbouncer.ts';
import type { PlannedTopology } from './plan.ts';
import { copyForReplica, startReplica } from './replica.ts';

/** What the servers of one clone are made of. */
export interface TopologyOptions {
  topology: PlannedTopology | undefined;
  stage: string;
  cacheDir: string;
  load: LoadSpec;
  /** Where the clone is. */
  location: string;
  settings: Settings;
  /** Default: a free one. */
  port?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Starts a server of the run. */
  start: (order: { location: string; settings: Settings; port?: number | undefined }) => Promise<Server>;
  /** A place for the replica's data. */
  reserve: () => Promise<AsyncDisposable & { location: string }>;
}

/** The servers of a stage. Disposing stops them, the pooler first. */
export class LiveTopology implements AsyncDisposable {
  readonly server: Server;
  readonly route: DatabaseRoute;
  readonly #replica: Server | undefined;
  readonly #pooler: Pooler | undefined;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    parts: { server: Server; replica: Server | undefined; pooler: Pooler | undefined },
    resources: AsyncDisposableStack,
  ) {
    this.server = parts.server;
    this.#replica = parts.replica;
    this.#pooler = parts.pooler;
    this.route = routeOf(parts);
    this.#resources = resources;
  }

  /** @throws EnvironmentError when one of them does not start */
  static async start(options: TopologyOptions): Promise<LiveTopology> {
    const { topology, location, settings, port, start } = options;
    await using resources = new AsyncDisposableStack();
    const standby = topology?.replica && (await makeReplica(options, resources));
    const server = resources.use(await start({ location, settings, port }));
    const replica = standby && resources.use(await standby(server));
    const pooler = topology?.pooler && resources.use(await startPooler(options, topology.pooler, server, replica));
    return new LiveTopology({ server, replica, pooler }, resources.move());
  }

  /** Of this machine, each with all that it starts. */
  get processes(): readonly number[] {
    const pooler = this.#pooler === undefined ? [] : [this.#pooler.pid];
    return [...this.server.processes, ...(this.#replica?.processes ?? []), ...pooler];
  }

  /**
   * Aborted with the error to tell when the pooler ended by itself: then every arrival fails, which says nothing of the stage. Servers come
   * back after a crash, so that theirs is for the load to see.
   */
  get died(): AbortSignal | undefined {
    return this.#pooler?.died;
  }

  /** The error to tell: which of them ended, and why, in place of what a client met; any other error as it is. */
  async explain(error: unknown): Promise<unknown> {
    for (const part of [this.#pooler, this.server, this.#replica]) {
      const explained = await part?.explain(error);
      if (part !== undefined && explained !== error) return explained;
    }
    return error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** @returns what starts the replica, once its primary is there */
async function makeReplica(
  { topology, location, settings, signal, start, reserve }: TopologyOptions,
  resources: AsyncDisposableStack,
): Promise<(primary: Server) => Promise<Server>> {
  const place = resources.use(await reserve());
  const startOn = (dataDir: string, own: Settings): Promise<Server> => start({ location: dataDir, settings: own });
  await copyForReplica({ primary: location, replica: place.location, settings }, startOn, signal);
  const spec = topology?.replica ?? {};
  return (primary) => startReplica({ dataDir: place.location, settings, spec, primary }, startOn, signal);
}

/** Connections of clients that are not the load's: answers are asked by as many at once as there are cores. */
const otherClients = 100;
const replicaName = 'replica';

function startPooler(
  { stage, cacheDir, load }: TopologyOptions,
  spec: NonNullable<PlannedTopology['pooler']>,
  server: Server,
  replica: Server | undefined,
): Promise<Pooler> {
  const direct = server.connection(databaseName);
  return Pooler.start({
    spec,
    stage,
    cacheDir,
    databases: { [databaseName]: direct, ...(replica && { [replicaName]: replica.connection(databaseName) }) },
    statementTimeoutMs: load.statementTimeoutMs,
    // A place in the client's pool is a connection to each server.
    clients: 2 * load.connections + otherClients,
  });
}

function routeOf({
  server,
  replica,
  pooler,
}: {
  server: Server;
  replica: Server | undefined;
  pooler: Pooler | undefined;
}): DatabaseRoute {
  const direct = server.connection(databaseName);
  const directReplica = replica?.connection(databaseName);
  if (pooler === undefined) return { connection: direct, ...(directReplica && { replica: directReplica }) };
  return {
    connection: pooler.connection(databaseName),
    direct,
    ...(directReplica && { replica: pooler.connection(replicaName), directReplica }),
  };
}
