/** What the host did beside us, from /proc (proc(5)): time stolen by the hypervisor, CPU of processes that are not ours. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { HostLoad } from '../comparison/record.ts';

/** Clock ticks a second of /proc: USER_HZ, 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** One look at the counters. */
export interface HostSample {
  atMs: number;
  /** Of all cores since boot, in ticks. */
  totalTicks: number;
  stealTicks: number;
  /** Ticks that each process has used, its own only; kernel threads, which also work for us, are left out. */
  processes: Map<number, { ticks: number; parent: number }>;
}

/** Looks at the counters; undefined where there is no /proc. */
export function sampleHost(): HostSample | undefined {
  const line = read('/proc/stat')?.split('\n', 1)[0];
  if (line === undefined) return undefined;
  // user nice system idle iowait irq softirq steal; guest time is part of user time.
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  const processes: HostSample['processes'] = new Map();
  for (const entry of readdirSync('/proc')) {
    const stat = /^\d+$/.test(entry) ? read(`/proc/${entry}/stat`) : undefined;
    // It may have ended since it was listed.
    if (stat === undefined) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const parent = Number(fields[1]);
    if (parent === kernelParent) continue;
    processes.set(Number(entry), { ticks: Number(fields[11]) + Number(fields[12]), parent });
  }
  return {
    atMs: performance.now(),
    totalTicks: ticks.reduce((sum, value) => sum + value, 0),
    stealTicks: ticks[7] ?? 0,
    processes,
  };
}

/** Parent of all kernel threads. */
const kernelParent = 2;

/**
 * What happened between two looks.
 *
 * @param own processes that are ours, with everything that descends from them
 */
export function hostLoadBetween(earlier: HostSample, later: HostSample, own: ReadonlySet<number>): HostLoad {
  const total = later.totalTicks - earlier.totalTicks;
  let foreignTicks = 0;
  for (const [pid, { ticks }] of later.processes) {
    if (isOurs(pid, later.processes, own)) continue;
    const before = earlier.processes.get(pid)?.ticks ?? 0;
    // An id may have been given to a new process since.
    foreignTicks += ticks >= before ? ticks - before : ticks;
  }
  const seconds = (later.atMs - earlier.atMs) / 1000;
  return {
    stealShare: total > 0 ? Math.max(0, later.stealTicks - earlier.stealTicks) / total : 0,
    foreignCores: seconds > 0 ? Math.min(foreignTicks / ticksPerSecond / seconds, availableParallelism()) : 0,
  };
}

/**
 * Does some work and tells what the host did beside it; nothing where there is no /proc.
 *
 * @param own as in `hostLoadBetween`
 */
export async function besideHost<T>(
  own: ReadonlySet<number>,
  work: () => Promise<T>,
): Promise<{ done: T; beside: { host?: HostLoad } }> {
  const before = sampleHost();
  const done = await work();
  const after = before && sampleHost();
  return { done, beside: before && after ? { host: hostLoadBetween(before, after, own) } : {} };
}

function isOurs(pid: number, processes: HostSample['processes'], own: ReadonlySet<number>): boolean {
  const seen = new Set<number>();
  for (let ancestor: number | undefined = pid; ancestor !== undefined && !seen.has(ancestor);) {
    if (own.has(ancestor)) return true;
    seen.add(ancestor);
    ancestor = processes.get(ancestor)?.parent;
  }
  return false;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
