/**
 * What must not outlive us: servers, services, half-made folders, containers and their volumes. Each is recorded in the cache while we work on it. A process that
 * ends, also by an error, cleans up after itself; what a killed one left is found and cleaned at the next start.
 */
import { existsSync, rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureCacheFolder } from './cache.ts';
import { Lease, readLease, uniqueName } from './leases.ts';
import { pidFile, readPidFile, signalPostmaster } from './postmaster.ts';
import {
  engineAddress,
  removeObject,
  removeObjectAtExit,
  type EngineAddress,
  type EngineObject,
} from './docker/engine.ts';
import { commandOf, exists, identityOf, isAlive, signalGroup, type ProcessIdentity } from './processes.ts';

/** What a record is about. */
type Leftover =
  | {
      kind: 'server';
      dataDir: string;
      socketDir: string;
      /** The data folder is still being made: it is worth nothing without us. */
      unfinished: boolean;
    }
  | { kind: 'folder'; path: string; what: string }
  /** A folder with a socket that is no server's. */
  | { kind: 'sockets'; path: string }
  /** A program that leads a process group of its own. */
  | { kind: 'group'; leader: ProcessIdentity; name: string }
  | { kind: EngineObject; name: string; engine: EngineAddress };

type ServerRecord = Extract<Leftover, { kind: 'server' }>;

/** Beginning of the names of our socket folders: nothing else is ever removed outside the cache. */
export const socketDirPrefix = 'pgrehearse-';

/** Something that is removed when it is disposed of, when this process ends, or, after a kill, at the next start. */
interface Owned extends AsyncDisposable {
  /** From now on it stays. */
  keep(): Promise<void>;
}

export interface OwnedFolder extends Owned {
  readonly path: string;
}

/** A container or volume. */
export interface OwnedObject extends Owned {
  readonly name: string;
}

/**
 * Makes a folder below the cache that does not outlive this process.
 * @param what what it is, as in "half-made snapshot"
 */
export async function ownFolder(cacheDir: string, path: string, what: string): Promise<OwnedFolder> {
  const owned = await ownPath(cacheDir, { kind: 'folder', path, what });
  await ensureCacheFolder(path);
  return { path, ...owned };
}

/** Answers for a socket folder (see socketDirPrefix) that is made afterwards. */
export async function ownSockets(cacheDir: string, path: string): Promise<AsyncDisposable> {
  return ownPath(cacheDir, { kind: 'sockets', path });
}

function ownPath(cacheDir: string, subject: Extract<Leftover, { path: string }>): Promise<Owned> {
  const { path } = subject;
  return own(
    cacheDir,
    subject,
    () => removeFolder(path),
    () => rmSync(path, { recursive: true, force: true }),
  );
}

/** Makes a folder for the clones and other scratch data of one run. */
export async function createRunFolder(cacheDir: string): Promise<OwnedFolder> {
  return ownFolder(cacheDir, join(cacheDir, 'runs', uniqueName()), 'working folder');
}

/** Answers for a container or volume of this name, which is made afterwards, so that there is no moment without an owner. */
export async function ownObject(cacheDir: string, kind: EngineObject, name: string): Promise<OwnedObject> {
  const engine = engineAddress();
  const owned = await own(
    cacheDir,
    { kind, name, engine },
    () => removeObject(kind, name, engine),
    () => removeObjectAtExit(kind, name),
  );
  return { name, ...owned };
}

/** @param removeAtExit the same as `remove` for the end of the process, where nothing can be awaited */
async function own(
  cacheDir: string,
  subject: Leftover,
  remove: () => Promise<unknown>,
  removeAtExit: () => void,
): Promise<Owned> {
  const lease = await record(cacheDir, subject);
  const forget = atExit(removeAtExit, lease);
  let kept = false;
  const keep = async (): Promise<void> => {
    kept = true;
    forget();
    await lease.release();
  };
  return {
    keep,
    async [Symbol.asyncDispose]() {
      if (!kept) await remove();
      await keep();
    },
  };
}

/**
 * Answers for a program that leads a process group of its own: it is killed with all that it has started when this process ends, or,
 * after a kill, at the next start. Disposing says that it is gone.
 *
 * @param name as in "the service of stage after"
 */
export async function ownGroup(cacheDir: string, pid: number, name: string): Promise<AsyncDisposable> {
  const leader = identityOf(pid);
  if (leader === undefined) return { async [Symbol.asyncDispose]() {} };
  const lease = await record(cacheDir, { kind: 'group', leader, name });
  const forget = atExit(() => void signalGroup(pid, 'SIGKILL'), lease);
  return {
    async [Symbol.asyncDispose]() {
      forget();
      await lease.release();
    },
  };
}

/** A server that this process answers for. Disposing says that it is stopped. */
export interface ServerRegistration extends AsyncDisposable {
  /** The postmaster, while there is one: needed when this process ends and nothing can be awaited any more. */
  pid: number | undefined;
  /** The data folder is complete and stays when we go. */
  finished(): Promise<void>;
}

/** Records a server, before anything of it is made. */
export async function registerServer(
  cacheDir: string,
  server: Omit<ServerRecord, 'kind'>,
): Promise<ServerRegistration> {
  const subject: ServerRecord = { kind: 'server', ...server };
  const lease = await record(cacheDir, subject);
  const registration: ServerRegistration = {
    pid: undefined,
    async finished() {
      subject.unfinished = false;
      await lease.update(subject);
    },
    async [Symbol.asyncDispose]() {
      forget();
      await lease.release();
    },
  };
  const forget = atExit(() => stopAtExit(subject, registration.pid), lease);
  return registration;
}

const recordsFolder = 'running';

async function record(cacheDir: string, subject: Leftover): Promise<Lease<Leftover>> {
  const folder = await ensureCacheFolder(join(cacheDir, recordsFolder));
  return Lease.make(join(folder, `${uniqueName()}.json`), subject);
}

const exitTasks = new Set<() => void>();

/** Registers a last resort for when the process ends; the returned function takes it back. */
function atExit(task: () => void, lease: Lease<Leftover>): () => void {
  if (exitTasks.size === 0) process.once('exit', runExitTasks);
  const entry = (): void => {
    task();
    lease.releaseSync();
  };
  exitTasks.add(entry);
  return () => {
    exitTasks.delete(entry);
    if (exitTasks.size === 0) process.off('exit', runExitTasks);
  };
}

/** Latest first: servers before the folders in which their data lies. */
function runExitTasks(): void {
  for (const task of [...exitTasks].toReversed()) {
    try {
      task();
    } catch {
      // The next start finds what could not be cleaned; the other tasks still count.
    }
  }
}

function stopAtExit({ dataDir, socketDir, unfinished }: ServerRecord, pid: number | undefined): void {
  if (pid !== undefined) {
    signalPostmaster(pid, 'SIGQUIT');
    // As our own child it stays a zombie, but its last act is to remove this file.
    waitSync(() => !existsSync(join(dataDir, pidFile)), 5_000);
  }
  rmSync(socketDir, { recursive: true, force: true });
  if (unfinished) rmSync(dataDir, { recursive: true, force: true });
}

function waitSync(isDone: () => boolean, patienceMs: number): void {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (const deadline = Date.now() + patienceMs; !isDone() && Date.now() < deadline;) Atomics.wait(clock, 0, 0, 10);
}

/**
 * Stops servers and removes half-made folders of processes that are gone. A process is only ever stopped when its command
 * line shows that it is PostgreSQL on the recorded data folder.
 * @returns one sentence for each process that left something behind
 */
export async function reapLeftovers(cacheDir: string): Promise<string[]> {
  const folder = join(cacheDir, recordsFolder);
  const names = await readdir(folder).catch(() => []);
  const found = new Map<number, string[]>();
  const records = await Promise.all(names.map(async (name) => readDead(join(folder, name))));
  const dead = records.filter((item) => item !== undefined);
  for (const { path, subject, pid } of dead.sort((a, b) => order(a.subject) - order(b.subject))) {
    const done = subject === undefined ? [] : await reap(cacheDir, subject);
    if (done === undefined) continue;
    if (done.length > 0) found.set(pid, [...(found.get(pid) ?? []), ...done]);
    await rm(path, { force: true });
  }
  return [...found].map(([pid, done]) => `An earlier run (process ${pid}) was killed: ${listed(done)}.`);
}

function listed(done: readonly string[]): string {
  return done.length < 2 ? done.join() : `${done.slice(0, -1).join(', ')} and ${done.at(-1)}`;
}

/** A service may still write to its database, which may lie in a folder that is removed. */
function order(subject: Leftover | undefined): number {
  if (subject?.kind === 'group') return 0;
  return subject?.kind === 'server' || subject?.kind === 'container' ? 1 : 2;
}

async function readDead(path: string): Promise<{ path: string; pid: number; subject?: Leftover } | undefined> {
  const lease = await readLease<Leftover>(path);
  if (lease === undefined || lease.alive) return undefined;
  if (lease.content === undefined) return { path, pid: 0 };
  return { path, pid: lease.content.holder.pid, subject: lease.content.subject };
}

/** @returns what was done, as in "stopped its PostgreSQL"; undefined when it has to wait for a later start */
async function reap(cacheDir: string, subject: Leftover): Promise<string[] | undefined> {
  if (subject.kind === 'server') return reapServer(subject);
  if (subject.kind === 'group') return reapGroup(subject);
  if (subject.kind === 'sockets') return reapSockets(subject.path);
  return subject.kind === 'folder' ? reapFolder(cacheDir, subject) : reapObject(subject);
}

async function reapObject({
  kind,
  name,
  engine,
}: Extract<Leftover, { kind: EngineObject }>): Promise<string[] | undefined> {
  try {
    return (await removeObject(kind, name, engine)) ? [`removed its ${kind} ${name}`] : [];
  } catch {
    // The engine is stopped or away.
    return undefined;
  }
}

/**
 * Its start time tells the leader from a later process with its id; on Windows, where that cannot be read, nothing is stopped. Without
 * its leader a group cannot be told from another one.
 */
async function reapGroup({ leader, name }: Extract<Leftover, { kind: 'group' }>): Promise<string[]> {
  if (process.platform === 'win32' || isAlive(leader) !== true) return [];
  signalGroup(leader.pid, 'SIGTERM');
  await until(() => !exists(leader.pid));
  signalGroup(leader.pid, 'SIGKILL');
  return [`stopped ${name} (process ${leader.pid})`];
}

async function reapServer({ dataDir, socketDir, unfinished }: ServerRecord): Promise<string[]> {
  const done: string[] = [];
  const pid = (await readPidFile(dataDir))?.pid;
  if (pid !== undefined && isPostmasterOf(pid, dataDir)) {
    await stopForeign(pid);
    done.push(`stopped its PostgreSQL (process ${pid})`);
  }
  await reapSockets(socketDir);
  if (unfinished && existsSync(dataDir)) {
    await removeFolder(dataDir);
    done.push(`removed its half-made data folder ${dataDir}`);
  }
  return done;
}

/** Worth no word: what was in them was stopped before, and told. */
async function reapSockets(path: string): Promise<string[]> {
  if (basename(path).startsWith(socketDirPrefix)) await removeFolder(path);
  return [];
}

async function reapFolder(cacheDir: string, { path, what }: Extract<Leftover, { kind: 'folder' }>): Promise<string[]> {
  const inside = relative(cacheDir, path);
  if (inside === '' || inside.startsWith('..') || !existsSync(path)) return [];
  await removeFolder(path);
  return [`removed its ${what} ${inside}`];
}

/** Backends that lost their postmaster, or another process that cleans up too, may still change the folder for a moment. */
async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Whether the process is the server of this data folder, by its command line. On Windows it cannot be told: then no. */
function isPostmasterOf(pid: number, dataDir: string): boolean {
  const command = commandOf(pid);
  return command !== undefined && command.includes('postgres') && command.endsWith(` -D ${dataDir}`);
}

/** No time is lost on a checkpoint: scratch data is worth nothing, and durable data recovers from its WAL. */
async function stopForeign(pid: number): Promise<void> {
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    signalPostmaster(pid, signal);
    if (await until(() => !exists(pid))) return;
  }
}

/** @returns whether it came to pass within ten seconds */
async function until(isDone: () => boolean): Promise<boolean> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(20)) {
    if (isDone()) return true;
  }
  return false;
}
