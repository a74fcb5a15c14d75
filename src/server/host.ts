/** The machine that everything runs on. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import type { Host } from '../result.ts';

/**
 * Describes this machine. `cores` are those that this process may use (affinity and control group respected), and
 * `memoryLimitBytes` is given where the control group allows less than the machine has.
 */
export function describeHost(): Host {
  const memoryBytes = totalmem();
  const limitBytes = process.constrainedMemory();
  const host: Host = {
    cpuModel: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memoryBytes,
    os: distribution() ?? type(),
    kernel: release(),
    arch: arch(),
  };
  // libuv says 0 where there is no limit, and control groups of version 1 say a number near 2^63.
  return limitBytes > 0 && limitBytes < memoryBytes ? { ...host, memoryLimitBytes: limitBytes } : host;
}

/** Memory that a server on this host may count on. */
export function usableMemoryBytes(host: Host): number {
  return Math.min(host.memoryBytes, host.memoryLimitBytes ?? Infinity);
}

function distribution(): string | undefined {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
