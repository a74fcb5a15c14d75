/**
 * Locks between processes on one cache folder: many may share, one may exclude. Every holder has a claim file of its own, so
 * the claims of dead processes can be removed without a race: a name never comes back to life.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Claim, readClaim, uniqueName } from '../server/claims.ts';

export type LockMode = 'shared' | 'exclusive';

/** A held lock. Disposing releases it. */
export type Lock = Claim<LockMode>;

/**
 * Takes a lock if nobody alive holds one that conflicts with it.
 *
 * Mutual exclusion as in Dekker's algorithm: first put up one's own claim, then look for others. Of two that do so at the
 * same time at least one sees the other and gives way.
 * @param folder where the claim files lie
 * @returns the lock, or the process id of a holder
 */
export async function tryLock(folder: string, name: string, mode: LockMode): Promise<Lock | { holderPid: number }> {
  const before = await findRival(folder, name, mode);
  if (before !== undefined) return before;
  const claim = await share(folder, name, mode);
  const rival = await findRival(folder, name, mode, claim.path);
  if (rival === undefined) return claim;
  await claim.release();
  return rival;
}

/** Puts up a claim without looking for others: for who already holds the exclusive lock. */
export async function share(folder: string, name: string, mode: LockMode = 'shared'): Promise<Lock> {
  return Claim.make<LockMode>(join(folder, `${name}.${mode}.${uniqueName()}.json`), mode);
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
    const claim = await readClaim<LockMode>(path);
    if (claim?.alive) return { holderPid: claim.content?.holder.pid ?? 0 };
    if (claim !== undefined) await rm(path, { force: true });
  }
  return undefined;
}
