/** A PostgreSQL in a container of its own, on a volume of its own: the official image, or one that is built on it. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { EnvironmentError, messageOf, PgrehearseError } from '../../errors.ts';
import type { Settings } from '../../scenario.ts';
import { builtinProviderMajor, superuser } from '../initdb.ts';
import { uniqueName } from '../leases.ts';
import { ownObject, type OwnedObject } from '../leftovers.ts';
import { makeMarkedDatabase } from '../mark.ts';
import { commandOf, findProcesses } from '../processes.ts';
import type { Capabilities, ConnectionTarget, Server } from '../server.ts';
import { settingArguments } from '../settings.ts';
import { docker, labels } from './engine.ts';
import { publishing, type DockerImage, type DockerLimits } from './image.ts';

export interface DockerOptions {
  image: DockerImage;
  limits: DockerLimits;
  postgres: { version: string; major: number };
  /** Volume with the data; the image makes it where the volume is empty. */
  volume: string;
  settings: Settings;
  /** Default: one that the engine chooses. */
  port?: number;
  cacheDir: string;
  signal?: AbortSignal;
}

/**
 * Starts PostgreSQL in a container and waits until it accepts connections.
 * @throws EnvironmentError, UsageError for settings that are not for the user to set, or the signal's reason; a failed
 *   start leaves no container behind
 */
export async function startDocker(options: DockerOptions): Promise<Server> {
  const { cacheDir, image, postgres, signal } = options;
  const password = randomBytes(24).toString('hex');
  const args = runArguments(options);
  await using cleanup = new AsyncDisposableStack();
  const container = cleanup.use(await ownObject(cacheDir, 'container', `pgrehearse-${uniqueName()}`));
  // Without the signal: a command that is ended half-way leaves it open what the engine still does.
  await docker(['run', '--detach', '--name', container.name, ...args], {
    env: { POSTGRES_PASSWORD: password, POSTGRES_INITDB_ARGS: initdbArguments(postgres.major) },
  });
  const target: ConnectionTarget = {
    host: image.host,
    port: await publishedPort(container.name),
    user: superuser,
    database: 'postgres',
    password,
    ssl: false,
  };
  await whenReady(container.name, target, signal);
  const server = new DockerServer(options, container, target, await ownProcesses(container.name, target));
  cleanup.move();
  return server;
}

/** Parallel workers share memory there; Docker's own default of 64 MB is too little for one hash join. */
const sharedMemory = '1g';

/** What stands behind `docker run`: limits, port, volume, image, settings. */
export function runArguments({ image, limits, volume, settings, port }: DockerOptions): string[] {
  const { memoryBytes, cpus } = limits;
  return [
    ...labels('server'),
    // The same limit with swap means: no swap.
    ...(memoryBytes === undefined ? [] : [`--memory=${memoryBytes}`, `--memory-swap=${memoryBytes}`]),
    ...(cpus === undefined ? [] : [`--cpus=${cpus}`]),
    `--shm-size=${sharedMemory}`,
    `--publish=${publishing(image, port)}`,
    `--mount=type=volume,source=${volume},target=${image.mountPath}`,
    // Their values come by the environment.
    '--env=POSTGRES_PASSWORD',
    '--env=POSTGRES_INITDB_ARGS',
    image.id,
    'postgres',
    ...settingArguments(settings),
  ];
}

/** As our own data folders are made (initdb.ts); who gets in over TCP needs the password. */
function initdbArguments(major: number): string {
  return [
    '--encoding=UTF8 --locale=C --data-checksums --auth-local=trust --auth-host=scram-sha-256',
    ...(major >= builtinProviderMajor ? ['--locale-provider=builtin --builtin-locale=C.UTF-8'] : []),
  ].join(' ');
}

async function publishedPort(name: string): Promise<number> {
  const [first] = (
    await docker(['port', name, '5432/tcp']).catch(async (error: unknown) => {
      await assertRunning(name);
      throw error;
    })
  ).split('\n');
  return Number(/:(\d+)$/.exec(first ?? '')?.[1]);
}

/** Making a data folder, or recovering one, takes its time on a busy machine. */
const patienceMs = 120_000;

async function whenReady(name: string, target: ConnectionTarget, signal: AbortSignal | undefined): Promise<void> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(100, undefined, { signal })) {
    const obstacle = await tryConnection(target);
    if (obstacle === undefined) return;
    await assertRunning(name);
    // A copy of a data folder knows the password of the server that it was made by.
    if (obstacle.code === '28P01') await setPassword(name, target.password!);
    if (Date.now() < deadline) continue;
    throw new EnvironmentError(
      `PostgreSQL runs in a container, but ${target.host}:${target.port} does not let us in: ${obstacle.message}.`,
      { hint: 'Check that ports of containers can be reached from here.' },
    );
  }
}

async function tryConnection(target: ConnectionTarget): Promise<{ code?: string; message: string } | undefined> {
  const client = new Client({ ...target, application_name: 'pgrehearse', connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return { ...(error as { code?: string }), message: messageOf(error) };
  } finally {
    await client.end().catch(() => {});
  }
}

/** Over the socket inside of the container, which is open to whoever is there; by stdin, so that no command line shows it. */
async function setPassword(name: string, password: string): Promise<void> {
  const command = [
    'exec',
    '--interactive',
    name,
    'psql',
    '--no-psqlrc',
    '--username',
    superuser,
    '--dbname',
    'postgres',
  ];
  await docker(command, { input: `ALTER ROLE ${superuser} PASSWORD '${password}';\n` });
}

interface ContainerState {
  Running: boolean;
  OOMKilled: boolean;
  ExitCode: number;
  Pid: number;
}

async function stateOf(name: string): Promise<ContainerState> {
  return JSON.parse(await docker(['inspect', '--format', '{{json .State}}', name])) as ContainerState;
}

/** @throws EnvironmentError telling why the container does not run any more */
async function assertRunning(name: string): Promise<void> {
  const { Running, OOMKilled, ExitCode } = await stateOf(name);
  if (OOMKilled) {
    throw new EnvironmentError('PostgreSQL in its container used more memory than it may and was killed.', {
      hint: 'Raise --docker-memory, or lower shared_buffers, work_mem or the connections.',
    });
  }
  if (Running) return;
  // Both streams: PostgreSQL writes its log to stderr, the image's script to both.
  const log = await docker(['logs', '--tail', '20', name], { both: true });
  throw new EnvironmentError(`PostgreSQL in its container ended with code ${ExitCode}: ${lastWords(log)}.`, {
    hint: 'Correct what it names, or choose another image.',
  });
}

/** The last line that tells of a fault, else the last one. */
export function lastWords(log: string): string {
  const lines = log
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line =
    lines.findLast((line) => /\b(FATAL|PANIC|ERROR|error):/i.test(line)) ?? lines.at(-1) ?? 'its log is empty';
  return line.replace(/^.*?\b(?=(?:FATAL|PANIC|ERROR): )/, '').replace(/\.$/, '');
}

/**
 * The postmaster as a process of this machine, and Docker's program that forwards the port. Both by their command lines, since
 * the engine may be elsewhere.
 */
async function ownProcesses(name: string, { host, port }: ConnectionTarget): Promise<number[]> {
  if (host !== '127.0.0.1' || process.platform !== 'linux') return [];
  const { Pid: postmaster } = await stateOf(name);
  const forwarding = findProcesses(new RegExp(`^\\S*docker-proxy .*-host-port ${port} `));
  return commandOf(postmaster)?.startsWith('postgres') ? [postmaster, ...forwarding] : forwarding;
}

class DockerServer implements Server {
  readonly kind = 'docker';
  readonly gaps = [];
  readonly capabilities: Capabilities = { restart: true, configure: true, clone: true };
  readonly version: string;
  readonly major: number;
  readonly pid = undefined;
  readonly processes: readonly number[];
  readonly #container: OwnedObject;
  readonly #target: ConnectionTarget;

  constructor({ postgres }: DockerOptions, container: OwnedObject, target: ConnectionTarget, processes: number[]) {
    this.version = postgres.version;
    this.major = postgres.major;
    this.processes = processes;
    this.#container = container;
    this.#target = target;
  }

  connection(database = 'postgres'): ConnectionTarget {
    return { ...this.#target, database };
  }

  loopbackConnection(database: string): ConnectionTarget {
    return this.connection(database);
  }

  async makeDatabase(name: string): Promise<void> {
    await makeMarkedDatabase(this.connection(), name);
  }

  async explain(error: unknown): Promise<unknown> {
    if (error instanceof PgrehearseError && !(error instanceof EnvironmentError)) return error;
    return assertRunning(this.#container.name).then(
      () => error,
      (crash: unknown) => crash,
    );
  }

  async stop(): Promise<void> {
    await this.#container[Symbol.asyncDispose]();
  }

  async shutDown(): Promise<void> {
    const { name } = this.#container;
    // The image names SIGINT, PostgreSQL's fast shutdown, as its signal. Writing everything out may take minutes.
    await docker(['stop', '-t', '600', name]);
    const { ExitCode } = await stateOf(name);
    if (ExitCode !== 0) {
      throw new EnvironmentError(`PostgreSQL in its container was not shut down in order: code ${ExitCode}.`);
    }
    await this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
