/** Which processes are alive. A process id alone is not enough: ids are used again, so the start time belongs to it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, told apart from every other one that ever had its id. */
export interface ProcessIdentity {
  pid: number;
  /** Start time as the operating system tells it. */
  started: string;
  /** The machine, boot and container in which the id means something. */
  scope: string;
}

/** The present process. */
export function ownIdentity(): ProcessIdentity {
  own ??= { pid: process.pid, started: startOf(process.pid) ?? '', scope: ownScope() };
  return own;
}

let own: ProcessIdentity | undefined;

/** Another process of this machine; undefined when there is none with this id. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const started = startOf(pid);
  return started === undefined ? undefined : { pid, started, scope: ownIdentity().scope };
}

/**
 * Whether the process lives. Undefined when we cannot know: its id belongs to another machine or container, as where they
 * share a cache.
 */
export function isAlive(identity: ProcessIdentity): boolean | undefined {
  if (identity.scope !== ownIdentity().scope) return undefined;
  const started = startOf(identity.pid);
  return started !== undefined && started === identity.started;
}

/** Whether a process with this id exists and has not ended (a zombie has). */
export function exists(pid: number): boolean {
  return startOf(pid) !== undefined;
}

/**
 * Signals a process that leads a group, and all that it has started; 0 only asks. False when nobody of them is left. Windows has
 * no groups: only the process itself is reached there.
 */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(process.platform === 'win32' ? leader : -leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Arguments of a process as one text, undefined when there is no such process or they cannot be read. */
export function commandOf(pid: number): string | undefined {
  if (process.platform === 'linux') return readText(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim();
  return ps(pid, 'command=');
}

/** Processes whose arguments, as one text, match. Linux only. */
export function findProcesses(command: RegExp): number[] {
  const pids = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
  return pids.filter((pid) => command.test(commandOf(pid) ?? ''));
}

function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') return linuxStart(pid);
  if (process.platform === 'win32') return respondsToSignals(pid) ? 'unknown' : undefined;
  const [state, ...started] = ps(pid, 'state=,lstart=')?.split(/\s+/) ?? [];
  return state === undefined || state.startsWith('Z') ? undefined : started.join(' ');
}

/** Fields of /proc/PID/stat after the name in parentheses: the first is the state, the 20th the start in clock ticks. */
function linuxStart(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function respondsToSignals(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function ownScope(): string {
  if (process.platform !== 'linux') return hostname();
  const boot = readText('/proc/sys/kernel/random/boot_id')?.trim();
  return [hostname(), boot, processNamespace()].join(' ');
}

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function ps(pid: number, columns: string): string | undefined {
  try {
    const env = { ...process.env, LC_ALL: 'C' };
    const columnsOf = ['-o', columns, '-p', String(pid)];
    return execFileSync('ps', columnsOf, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env }).trim();
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
