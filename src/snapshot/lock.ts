/**
 * Locks between processes on one cache folder: many may share, one may exclude. Every holder has a lease of its own, so
 * those of dead processes can be removed without a race: a name never comes back to life.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Lease, readLease, uniqueName } from '../server/leases.ts';

export type LockMode = 'shared' | 'exclusive';

/** A held lock. Disposing releases it. */
export type Lock = Lease<LockMode>;

/**
 * Takes a lock if nobody alive holds one that conflicts with it.
 *
 * Mutual exclusion as in Dekker's algorithm: first write one's own lease, then look for others. Of two that do so at the
 * same time at least one sees the other and gives way.
 * @param folder where the leases lie
 * @returns the lock, or the process id of a holder
 */
export async function tryLock(folder: string, name: string, mode: LockMode): Promise<Lock | { holderPid: number }> {
  const before = await findRival(folder, name, mode);
  if (before !== undefined) return before;
  const lease = await share(folder, name, mode);
  const rival = await findRival(folder, name, mode, lease.path);
  if (rival === undefined) return lease;
  await lease.release();
  return rival;
}

/** Writes a lease without looking for others: for who already holds the exclusive lock. */
export async function share(folder: string, name: string, mode: LockMode = 'shared'): Promise<Lock> {
  return Lease.make<LockMode>(join(folder, `${name}.${mode}.${uniqueName()}.json`), mode);
}

/** Process id of somebody alive who holds the lock in any mode. */
export async function findHolder(folder: string, name: string): Promise<number | undefined> {
  return (await findRival(folder, name, 'exclusive'))?.holderPid;
}

async function findRival(
  folder: string,
  name: string,
  mode: LockMode,
  own?: string,
): Promise<{ holderPid: number } | undefined> {
  const conflicting = mode === 'exclusive' ? `${name}.` : `${name}.exclusive.`;
  for (const file of await readdir(folder)) {
    const path = join(folder, file);
    if (!file.startsWith(conflicting) || path === own) continue;
    const lease = await readLease<LockMode>(path);
    if (lease?.alive) return { holderPid: lease.content?.holder.pid ?? 0 };
    if (lease !== undefined) await rm(path, { force: true });
  }
  return undefined;
}
