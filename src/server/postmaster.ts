/** One postgres process: started in a session of its own, awaited, stopped. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError, messageOf } from '../errors.ts';
import type { Binaries } from './binaries.ts';
import { openForServer } from './initdb.ts';
import { inLargePages, serverEnvironment } from './programs.ts';
import { asServerUser } from './server-user.ts';

/** The server's own messages, in its data folder. */
const logFile = 'server.log';

/** The file by which a running server holds its data folder. */
export const pidFile = 'postmaster.pid';

/** Recovery of a large data folder takes its time, so this is generous. */
const startDeadlineMs = 120_000;

/** A fast shutdown writes all dirty pages first; then we lose patience. */
const stopDeadlineMs = 120_000;

/** A running postgres process. */
export interface Postmaster {
  pid: number;
  /** Resolves when the process is gone. */
  gone: Promise<void>;
}

/**
 * Starts postgres on a data folder and waits until it accepts connections.
 * @param registration is kept up to date with the process id, from the first moment to the last
 * @param options.largePages what the server's processes allocate in large pages; see {@link inLargePages}
 * @throws EnvironmentError with what the server's log says; the signal's reason; nothing is left running then.
 */
export async function startPostmaster(
  binaries: Binaries,
  dataDir: string,
  registration: { pid: number | undefined },
  { largePages = false, signal }: { largePages?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<Postmaster> {
  const log = await openForServer(join(dataDir, logFile));
  let child: ChildProcess;
  try {
    // Detached: Ctrl-C in a terminal goes to the whole foreground group, and the server must outlive it until we stop it.
    child = spawn(binaries.postgres, ['-D', dataDir], {
      cwd: dataDir,
      detached: true,
      env: { ...serverEnvironment(), ...(largePages && inLargePages) },
      stdio: ['ignore', log.fd, log.fd],
      windowsHide: true,
      ...asServerUser(),
    });
    await once(child, 'spawn');
  } catch (cause) {
    throw new EnvironmentError(`PostgreSQL could not be started: ${messageOf(cause)}.`, { cause });
  } finally {
    await log.close();
  }
  child.unref();
  const pid = child.pid!;
  registration.pid = pid;
  const postmaster = { pid, gone: gone(child, registration) };
  try {
    await untilReady(child, dataDir, signal);
    return postmaster;
  } catch (error) {
    await stopPostmaster(postmaster, binaries, 'immediate');
    throw error;
  }
}

async function gone(child: ChildProcess, registration: { pid: number | undefined }): Promise<void> {
  // A server that refuses its settings may be gone before anybody listens.
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  registration.pid = undefined;
}

async function untilReady(child: ChildProcess, dataDir: string, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + startDeadlineMs;
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null) throw await startFailure(dataDir);
    const state = await readPidFile(dataDir);
    if (state?.pid === child.pid && state?.status === 'ready') return;
    await sleep(20);
  }
  throw new EnvironmentError(`PostgreSQL did not accept connections within ${startDeadlineMs / 1000} s.`, {
    hint: `Its log is ${join(dataDir, logFile)}.`,
  });
}

/** What a running server writes into its data folder, or undefined where there is no such file. */
export async function readPidFile(dataDir: string): Promise<{ pid: number; status: string | undefined } | undefined> {
  const text = await readFile(join(dataDir, pidFile), 'utf8').catch(() => undefined);
  const lines = text?.split('\n');
  const pid = Number(lines?.[0]);
  return pid > 0 ? { pid, status: lines?.[7]?.trim() } : undefined;
}

async function startFailure(dataDir: string): Promise<EnvironmentError> {
  const log = await readFile(join(dataDir, logFile), 'utf8').catch(() => '');
  return new EnvironmentError(`PostgreSQL did not start: ${tellingLines(log)}.`, {
    hint: 'Check the settings of the stage and its profile; the limits of memory and shared memory count too.',
  });
}

/** The lines of a server log that tell why it did not start, as one clause without time stamps. */
export function tellingLines(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.filter((line) =>
    /\b(FATAL|PANIC|HINT|could not|unrecognized|invalid|syntax error)\b/.test(line),
  );
  const chosen = (telling.length > 0 ? telling : lines).slice(-4);
  const text = chosen.map((line) => line.replace(/^.*?\b(LOG|FATAL|PANIC|HINT|WARNING|ERROR): +/, '')).join('; ');
  return text.replace(/\.$/, '') || 'its log is empty';
}

/**
 * Why a server crashed, by its log; undefined when it did not. One that was killed itself could write nothing.
 * @param ended its main process is gone, although nobody stopped it
 */
export async function findCrash(
  dataDir: string,
  ended: boolean,
  cause: unknown,
): Promise<EnvironmentError | undefined> {
  const log = await readFile(join(dataDir, logFile), 'utf8').catch(() => '');
  const line = /\b(?:PANIC: +(.+)|LOG: +(.+ was terminated by (?:signal|exception) .+))/.exec(log);
  const reason = line?.[1] ?? line?.[2] ?? (ended ? 'its main process was killed' : undefined);
  if (reason === undefined) return undefined;
  return new EnvironmentError(`PostgreSQL crashed: ${reason}.`, {
    hint: 'Run again; if it happens again, look for a full disk, or in the log of the kernel for a lack of memory.',
    cause,
  });
}

const stopSignals = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** Stops a server and resolves when its process is gone; one that does not go is stopped more and more firmly. */
export async function stopPostmaster(
  postmaster: Postmaster,
  binaries: Binaries,
  mode: keyof typeof stopSignals,
): Promise<void> {
  // The id of a process that is gone may be somebody else's by now.
  if (await within(postmaster.gone, 0)) return;
  for (const [name, patienceMs] of [
    [stopSignals[mode], stopDeadlineMs],
    ['SIGQUIT', 20_000],
    ['SIGKILL', 20_000],
  ] as const) {
    signalPostmaster(postmaster.pid, name, binaries.pgCtl);
    if (await within(postmaster.gone, patienceMs)) return;
  }
  throw new EnvironmentError(`The PostgreSQL process ${postmaster.pid} could not be stopped.`);
}

async function within(promise: Promise<void>, patienceMs: number): Promise<boolean> {
  const over = new AbortController();
  try {
    const patience = sleep(patienceMs, false, { signal: over.signal }).catch(() => false);
    return await Promise.race([promise.then(() => true), patience]);
  } finally {
    over.abort();
  }
}

/** Sends one of PostgreSQL's signals; a process that is gone already is no error. */
export function signalPostmaster(pid: number, signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL', pgCtl?: string): void {
  if (process.platform === 'win32' && pgCtl !== undefined) {
    // Windows has no signals; pg_ctl knows how to send PostgreSQL's own.
    spawnSync(pgCtl, ['kill', signal.slice(3), String(pid)], { windowsHide: true });
    return;
  }
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
