/** Looks at the machine: what the load generator and the server share, and what makes figures noisy. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { keepCoresAwake } from '../load/idle-cores.ts';
import { hostLoadBetween, sampleHost } from '../observe/host.ts';
import { formatBytes } from '../report/format.ts';
import type { Host } from '../result.ts';
import { ensureCacheFolder } from '../server/cache.ts';
import { diskSpace, formatDiskBytes } from '../server/disk.ts';
import { usableMemoryBytes } from '../server/host.ts';
import { freePort } from '../server/ports.ts';
import { fault, warning, type Look, type Outcome } from './finding.ts';

/** As package.json's `engines` has it. */
const oldestNode = [22, 22] as const;

/** A full-size run of a shipped workload keeps two snapshots and a clone, about 20 GB. */
const roomyDiskBytes = 25e9;

/** PostgreSQL and the generator's connections need some hundreds each. */
const enoughFiles = 4096;

/** Beside a measurement; see the noise that docs/method.md allows. */
const quietCores = 0.2;
const quietStealShare = 0.005;

export function machineLooks(host: Host, cacheDir: string): Look[] {
  return [
    { what: 'Node', examine: () => examineNode(process.versions.node) },
    { what: 'Cores', examine: () => examineCores(host) },
    { what: 'Memory', examine: () => examineMemory(host) },
    { what: 'Disk', examine: () => examineDisk(cacheDir) },
    { what: 'Shared memory', examine: examineSharedMemory },
    { what: 'Limits', examine: () => examineLimits(read('/proc/self/limits')) },
    { what: 'Ports', examine: async () => `${await freePort()} and others are free on loopback` },
    { what: 'Clock', examine: () => examineClock(read(`${clockFolder}/current_clocksource`)) },
    { what: 'CPU governor', examine: () => examineGovernors(governors()) },
    { what: 'Idle cores', examine: examineIdleCores },
    { what: 'Neighbours', examine: examineNeighbours },
  ];
}

export function examineNode(version: string): Outcome {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestNode;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return `v${version}`;
  return fault(`v${version} is too old`, `Use Node ${oldestNode.join('.')} or newer.`);
}

export function examineCores({ cores, cpuModel, os }: Host): Outcome {
  const text = `${cores} (${cpuModel}), ${os}`;
  if (cores >= 4) return text;
  return warning(text, 'The load generator takes cores from the server: judge comparisons, not absolute figures.');
}

export function examineMemory(host: Host): Outcome {
  const { memoryBytes, memoryLimitBytes } = host;
  const limit = memoryLimitBytes === undefined ? '' : `, of which ${formatBytes(memoryLimitBytes)} may be used`;
  const text = `${formatBytes(memoryBytes)}${limit}`;
  if (usableMemoryBytes(host) >= 4 * 2 ** 30) return text;
  return warning(text, 'Use a smaller --scale, so that what fits into memory in production does so here.');
}

async function examineDisk(cacheDir: string): Promise<Outcome> {
  const { freeBytes } = await diskSpace(await ensureCacheFolder(cacheDir));
  const text = `${cacheDir}, ${formatDiskBytes(freeBytes)} free`;
  if (freeBytes >= roomyDiskBytes) return text;
  const advice = `A run at full size wants ${formatDiskBytes(roomyDiskBytes)}: use a smaller --scale, or set PGREHEARSE_CACHE.`;
  return warning(text, advice);
}

/** Servers of our own go round a small one. */
async function examineSharedMemory(): Promise<Outcome> {
  const memory = await statfs('/dev/shm').catch(() => undefined);
  if (memory === undefined) return 'no /dev/shm here';
  const bytes = memory.blocks * memory.bsize;
  return bytes < 512 * 2 ** 20 ? `${formatBytes(bytes)}: System V shared memory is used instead` : formatBytes(bytes);
}

export function examineLimits(limits: string | undefined): Outcome {
  const soft = /^Max open files\s+(\S+)/m.exec(limits ?? '')?.[1];
  if (soft === undefined) return 'not told by this system';
  if (soft === 'unlimited' || Number(soft) >= enoughFiles) return `${soft} open files`;
  return warning(`${soft} open files`, `Raise it before a run with many connections: ulimit -n ${enoughFiles}.`);
}

const clockFolder = '/sys/devices/system/clocksource/clocksource0';

/** Reading these takes microseconds and a system call; the others are read in tens of nanoseconds. */
const slowClocks = new Set(['hpet', 'acpi_pm', 'jiffies', 'refined-jiffies']);

export function examineClock(source: string | undefined): Outcome {
  if (source === undefined) return 'monotonic';
  const name = source.trim();
  if (!slowClocks.has(name)) return name;
  return warning(
    name,
    'Every time stamp of the server and the generator costs microseconds: choose tsc, if the machine has it.',
  );
}

function governors(): string[] {
  const root = '/sys/devices/system/cpu';
  if (!existsSync(root)) return [];
  const files = readdirSync(root).filter((name) => /^cpu\d+$/.test(name));
  return files.flatMap((name) => read(`${root}/${name}/cpufreq/scaling_governor`)?.trim() ?? []);
}

export function examineGovernors(governors: readonly string[]): Outcome {
  const names = [...new Set(governors)];
  if (names.length === 0) return 'not told by this system, as in most virtual machines';
  if (names.every((name) => name === 'performance')) return 'performance';
  return warning(names.join(', '), 'The frequency follows the load: cpupower frequency-set --governor performance.');
}

/** Never a warning: few need it. */
function examineIdleCores(): Outcome {
  try {
    keepCoresAwake()[Symbol.dispose]();
    return 'may be kept awake under load (--keep-cores-awake)';
  } catch (error) {
    return messageOf(error);
  }
}

async function examineNeighbours(): Promise<Outcome> {
  const before = sampleHost();
  if (before === undefined) return 'not told by this system';
  await sleep(1000);
  const { stealShare, foreignCores } = hostLoadBetween(before, sampleHost()!, new Set([process.pid]));
  const text = `other processes use ${foreignCores.toFixed(1)} cores, other machines took ${(stealShare * 100).toFixed(1)} %`;
  if (foreignCores <= quietCores && stealShare <= quietStealShare) return text;
  return warning(text, 'End other programs, or measure at another time: what they take is missing in every figure.');
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
