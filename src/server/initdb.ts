/** Makes the data folder of a new server. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { appendFile, lchown, mkdir, open, readFile, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EnvironmentError, messageOf } from '../errors.ts';
import type { Binaries } from './binaries.ts';
import { ensureCacheFolder } from './cache.ts';
import { runProgram } from './programs.ts';
import { assertEnterable, serverUser } from './server-user.ts';

/** Name of the superuser of every server we make. */
export const superuser = 'postgres';

/** Our settings, included from the end of postgresql.conf, so that they win over what initdb wrote there. */
export const settingsFile = 'pgrehearse.conf';

const passwordFile = 'pgrehearse.password';

/**
 * Whether the folder holds a PostgreSQL data folder of this major version; false when it is missing or empty.
 * @throws EnvironmentError when it holds anything else
 */
export async function isInitialised(dataDir: string, major: number): Promise<boolean> {
  const names = await readdir(dataDir).catch(() => []);
  if (names.length === 0) return false;
  const version = await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (version === undefined) {
    throw new EnvironmentError(`The folder ${dataDir} is not empty and is not a PostgreSQL data folder.`);
  }
  if (Number(version) !== major) {
    throw new EnvironmentError(`The data folder ${dataDir} was made by PostgreSQL ${version.trim()}, not ${major}.`);
  }
  return true;
}

/** The first major with collations of its own. */
export const builtinProviderMajor = 17;

/**
 * Runs initdb on a data folder that is missing or empty. UTF-8, page checksums (PostgreSQL 18's default), and the built-in
 * collation C.UTF-8, which sorts alike on every platform and needs no locale of the machine. PostgreSQL 15 and 16 get C,
 * which sorts the same, but where upper, lower and character classes know ASCII only.
 *
 * Who gets in: over the Unix socket anybody, but its folder is open to the server's user only (0700); over TCP, on loopback
 * only, whoever knows the random password, which lies in the data folder, also 0700. So other users of the machine stay
 * out, and no password is needed on a command line.
 * @throws EnvironmentError
 */
export async function makeDataDir(binaries: Binaries, dataDir: string, signal?: AbortSignal): Promise<void> {
  await ensureCacheFolder(dirname(dataDir));
  await assertEnterable(dirname(dataDir));
  const existed = (await stat(dataDir).catch(() => undefined)) !== undefined;
  await mkdir(dataDir, { mode: 0o700, recursive: true });
  const passwordPath = `${dataDir}.${passwordFile}`;
  try {
    await giveToServer(dataDir);
    await writeForServer(passwordPath, randomBytes(24).toString('base64url'));
    await initialise(binaries, dataDir, passwordPath, signal);
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    if (existed) await mkdir(dataDir, { mode: 0o700 });
    throw error;
  } finally {
    await rm(passwordPath, { force: true });
  }
}

async function initialise(binaries: Binaries, dataDir: string, passwordPath: string, signal?: AbortSignal) {
  const options = [
    `--pgdata=${dataDir}`,
    `--username=${superuser}`,
    `--pwfile=${passwordPath}`,
    '--encoding=UTF8',
    '--locale=C',
    ...(binaries.major >= builtinProviderMajor ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []),
    '--data-checksums',
    '--auth-local=trust',
    '--auth-host=scram-sha-256',
    '--no-sync',
    '--no-instructions',
  ];
  try {
    await runProgram(binaries.initdb, options, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new EnvironmentError(`PostgreSQL's data folder ${dataDir} could not be made: ${messageOf(cause)}.`, {
      cause,
    });
  }
  await writeForServer(join(dataDir, passwordFile), await readFile(passwordPath, 'utf8'));
  await appendFile(join(dataDir, 'postgresql.conf'), `\ninclude '${settingsFile}'\n`);
}

/**
 * Opens a file in a server's folder for writing and reading, emptied, for the server's user (and root) only. Never through a symbolic
 * link: root must not be led elsewhere by whoever else runs as that user.
 */
export async function openForServer(path: string): Promise<FileHandle> {
  // Windows has no O_NOFOLLOW, nor root.
  const { O_CREAT, O_NOFOLLOW, O_RDWR, O_TRUNC } = constants;
  const file = await open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  const user = serverUser();
  if (user !== undefined) await file.chown(user.uid, user.gid);
  return file;
}

/** Writes a file that only the server's user (and root) can read. */
export async function writeForServer(path: string, text: string): Promise<void> {
  await using file = await openForServer(path);
  await file.writeFile(text);
}

/** Makes the server's user the owner, where that is not ourselves. */
export async function giveToServer(path: string): Promise<void> {
  const user = serverUser();
  if (user !== undefined) await lchown(path, user.uid, user.gid);
}

/** The password for connections over TCP. */
export async function readPassword(dataDir: string): Promise<string> {
  return (await readFile(join(dataDir, passwordFile), 'utf8')).trim();
}
