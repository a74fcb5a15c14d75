/** Room on the disk of a folder: how much there is, how much of it is left alone, and what is said when it is too little. */
import { stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { EnvironmentError } from '../errors.ts';

export interface DiskSpace {
  /** What an ordinary user may still write. */
  freeBytes: number;
  totalBytes: number;
}

/** @param folder it need not exist yet; its nearest parent counts then */
export async function diskSpace(folder: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(await nearestExisting(resolve(folder)));
  // Some file systems of networks and containers do not tell.
  if (blocks === 0) return { freeBytes: Infinity, totalBytes: 0 };
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

/**
 * Room that no run may use, so that whatever else lives on the disk goes on: 2 % of it, from 1 to 2 GB, and never more than a
 * tenth of a small disk. A server that writes 500 MB/s needs four seconds for the largest reserve.
 */
export function reserveBytes(totalBytes: number): number {
  return Math.min(Math.max(0.02 * totalBytes, 1e9), 2e9, totalBytes / 10);
}

/**
 * Checks that a file system has room, the reserve included.
 * @param folder a folder on it; it need not exist yet
 * @param neededBytes room needed
 * @param what what the room is for, as in "Seeding webhooks at scale 1"
 * @param hint what to do, told the room that there is
 * @throws EnvironmentError telling needed, free and folder
 */
export async function assertDiskSpace(
  folder: string,
  neededBytes: number,
  what: string,
  hint: (roomBytes: number) => string = () => roomHint(),
): Promise<void> {
  if (neededBytes === 0) return;
  const { freeBytes, totalBytes } = await diskSpace(folder);
  const withReserve = neededBytes + reserveBytes(totalBytes);
  if (freeBytes >= withReserve) return;
  throw new EnvironmentError(
    `${what} needs ${formatDiskBytes(withReserve)} in ${folder}, where ${formatDiskBytes(freeBytes)} are free.`,
    { hint: hint(freeBytes - reserveBytes(totalBytes)) },
  );
}

/**
 * The next step when a disk is too small.
 * @param scale the largest one that fits, where that is known
 */
export function roomHint(scale?: number): string {
  const smaller = scale === undefined ? 'choose a smaller --scale' : `run with --scale ${scale}, which fits`;
  return `Free some room (\`pgrehearse snapshot list\` shows what the cache holds), ${smaller}, or set PGREHEARSE_CACHE to a folder on a larger disk.`;
}

/** Decimal units, as disks are sold and as `cacheLimit` is given. */
export function formatDiskBytes(bytes: number): string {
  if (bytes < 999.5e6) return `${Math.max(0, Math.round(bytes / 1e6))} MB`;
  return bytes < 999.95e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e12).toFixed(1)} TB`;
}

/** The folder itself, or the first of its parents that exists. */
export async function nearestExisting(folder: string): Promise<string> {
  const exists = await stat(folder).catch(() => undefined);
  return exists === undefined && folder !== dirname(folder) ? nearestExisting(dirname(folder)) : folder;
}
