/** The folder in which pgrehearse keeps snapshots, running servers' data and what it knows of them. */
import { existsSync } from 'node:fs';
import { access, chmod, constants, lstat, mkdir } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { EnvironmentError, messageOf } from '../errors.ts';
import { closedFolder, serverUser } from './server-user.ts';

/**
 * Where the cache lies: PGREHEARSE_CACHE, else XDG_CACHE_HOME/pgrehearse, else ~/.cache/pgrehearse. For root, whose home
 * the server's user can rarely enter, /var/cache/pgrehearse; for a user without a home, a folder among the temporary
 * files. Makes nothing.
 * @throws EnvironmentError when that last folder is somebody else's
 */
export async function defaultCacheDir(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const named = environment['PGREHEARSE_CACHE'];
  if (named) return resolve(named);
  const home = environment['HOME'] || accountHome();
  const base = environment['XDG_CACHE_HOME'] || (home !== undefined && join(home, '.cache'));
  if (!base) return ownTemporaryFolder();
  const usual = join(base, 'pgrehearse');
  return (await closedFolder(usual)) === undefined ? usual : '/var/cache/pgrehearse';
}

/** Undefined for accounts such as `nobody`, whose home does not exist, and for uids without an account, as in containers. */
function accountHome(): string | undefined {
  try {
    return existsSync(homedir()) ? homedir() : undefined;
  } catch {
    return undefined;
  }
}

/** Everybody can write among the temporary files, so the owner counts: programs are run from the cache. */
async function ownTemporaryFolder(): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `pgrehearse-cache-${uid}`);
  const info = await lstat(folder).catch(() => undefined);
  if (info === undefined || (info.isDirectory() && info.uid === uid)) return folder;
  throw new EnvironmentError(`The folder ${folder} belongs to somebody else.`, {
    hint: 'Set PGREHEARSE_CACHE to a folder of your own.',
  });
}

/**
 * Makes the folder (and its parents) where missing, and checks that we can write to it.
 * @returns the folder
 * @throws EnvironmentError
 */
export async function ensureCacheFolder(folder: string): Promise<string> {
  try {
    const made = await mkdir(folder, { recursive: true });
    // What root makes must stay open to the server's user, whatever the umask.
    if (made !== undefined && serverUser() !== undefined) await openFolders(made, folder);
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new EnvironmentError(`The folder ${folder} cannot be written: ${messageOf(cause)}.`, {
      hint: 'Set PGREHEARSE_CACHE to a folder that you can write, on a disk with room for the databases.',
      cause,
    });
  }
  return folder;
}

async function openFolders(first: string, last: string): Promise<void> {
  for (let folder = last; folder.length >= first.length; folder = dirname(folder)) await chmod(folder, 0o755);
}
