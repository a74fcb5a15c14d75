/** The machine that everything runs on. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import type { Host } from '../result.ts';
import { memoryLimitBytes } from './control-group.ts';

/**
 * Describes this machine. `cores` are those that this process may use (affinity and control group respected), and
 * `memoryLimitBytes` is given where the control group allows less than the machine has.
 */
export function describeHost(): Host {
  const memoryBytes = totalmem();
  // libuv says 0 where there is no limit, and looks at the innermost group only.
  const limitBytes = Math.min(process.constrainedMemory() || Infinity, memoryLimitBytes(textOf) ?? Infinity);
  const host: Host = {
    cpuModel: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memoryBytes,
    os: distribution() ?? type(),
    kernel: release(),
    arch: arch(),
  };
  // Control groups of version 1 say a number near 2^63 where there is no limit.
  return limitBytes < memoryBytes ? { ...host, memoryLimitBytes: limitBytes } : host;
}

/** Memory that a server on this host may count on. */
export function usableMemoryBytes(host: Host): number {
  return Math.min(host.memoryBytes, host.memoryLimitBytes ?? Infinity);
}

function distribution(): string | undefined {
  return /^PRETTY_NAME="?([^"\n]+)/m.exec(textOf('/etc/os-release') ?? '')?.[1];
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
