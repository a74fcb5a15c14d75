/** The user that PostgreSQL runs as. PostgreSQL refuses to run as root, so root starts it as somebody else. */
import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { EnvironmentError } from '../errors.ts';

/** A user and group id on this machine. */
export interface ServerUser {
  uid: number;
  gid: number;
}

/** `nobody` on Linux and the ids that every kernel accepts, whether or not an account has them. */
const unprivileged: ServerUser = { uid: 65_534, gid: 65_534 };

let found: ServerUser | undefined;

/** Whom to start PostgreSQL as: the account `postgres` (else uid 65534) when we are root, undefined (ourselves) otherwise. */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  found ??= accountIds('postgres') ?? unprivileged;
  return found;
}

function accountIds(name: string): ServerUser | undefined {
  try {
    const ask = (flag: string): number =>
      Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    const ids = { uid: ask('-u'), gid: ask('-g') };
    return ids.uid > 0 ? ids : undefined;
  } catch {
    return undefined;
  }
}

/** Spawn options that start a program as the server user. */
export function asServerUser(): { uid?: number; gid?: number } {
  return { ...serverUser() };
}

/**
 * The nearest folder on the way to `path` that the server user may not enter, or undefined when there is none.
 * Judged by permission bits: folders that do not exist yet count as enterable.
 */
export async function closedFolder(path: string): Promise<string | undefined> {
  const user = serverUser();
  if (user === undefined) return undefined;
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const info = await stat(folder).catch(() => undefined);
    if (info !== undefined && (info.mode & executeBit(info, user)) === 0) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function executeBit(info: ServerUser, user: ServerUser): number {
  if (info.uid === user.uid) return 0o100;
  return info.gid === user.gid ? 0o010 : 0o001;
}

/** @throws EnvironmentError when the server user cannot enter `path`. */
export async function assertEnterable(path: string): Promise<void> {
  const closed = await closedFolder(path);
  if (closed === undefined) return;
  throw new EnvironmentError(
    `PostgreSQL may not run as root, and the user that it runs as (uid ${serverUser()?.uid}) cannot enter ${closed}.`,
    { hint: 'Set PGREHEARSE_CACHE to a folder that all users can enter, for example /var/cache/pgrehearse.' },
  );
}
