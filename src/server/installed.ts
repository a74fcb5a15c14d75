/** Finds a PostgreSQL that is installed on this machine, whoever installed it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { EnvironmentError } from '../errors.ts';
import { probe, type Binaries } from './binaries.ts';

/** The majors that pgrehearse knows. */
export const knownMajors = [15, 16, 17, 18];

const newestMajor = knownMajors.at(-1)!;

/** Where to look, so that tests need not install anything. */
export interface SearchPlaces {
  /** Folders of programs in the order of PATH. */
  path: string[];
  /** Folders below which each version has a folder of its own, and the rest of the way to its programs. */
  roots: { root: string; inside: string }[];
}

/** Debian and Ubuntu, Red Hat and SUSE, Homebrew (Apple and Intel), Postgres.app, EnterpriseDB on macOS, Windows. */
const usualRoots = [
  { root: '/usr/lib/postgresql', inside: 'bin' },
  { root: '/usr', inside: 'bin' },
  { root: '/opt/homebrew/opt', inside: 'bin' },
  { root: '/usr/local/opt', inside: 'bin' },
  { root: '/Applications/Postgres.app/Contents/Versions', inside: 'bin' },
  { root: '/Library/PostgreSQL', inside: 'bin' },
  { root: 'C:\\Program Files\\PostgreSQL', inside: 'bin' },
];

const usualPlaces = (): SearchPlaces => ({
  path: (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
  roots: usualRoots,
});

/**
 * The programs of an installed PostgreSQL: in the named folder, else the first on PATH (also by pg_config), else in the
 * usual folders, the newest version first.
 * @param request folder with initdb and postgres; major version wanted, default any from 15 to 18
 * @throws EnvironmentError telling what was found instead
 */
export async function findInstalled(
  { folder, major }: { folder?: string; major?: number } = {},
  places = usualPlaces(),
): Promise<Binaries> {
  if (folder !== undefined) return assertSuitable(await probe(resolve(folder)), folder, major);
  const found = await listInstalled(places);
  const suitable = found.find(
    (binaries) => knownMajors.includes(binaries.major) && (major ?? binaries.major) === binaries.major,
  );
  if (suitable !== undefined) return suitable;
  const wanted = major === undefined ? `PostgreSQL ${knownMajors[0]} to ${newestMajor}` : `PostgreSQL ${major}`;
  const instead = found.length === 0 ? '' : ` Found: ${found.map(({ version }) => version).join(', ')}.`;
  throw new EnvironmentError(
    `No installed ${wanted} was found on PATH, by pg_config or in the usual folders.${instead}`,
    {
      hint: 'Name the folder of its programs: --server installed:/path/to/bin. Clients alone (psql) are not enough.',
    },
  );
}

/** Every PostgreSQL server that is installed here and runs, in the order in which it is preferred. */
export async function listInstalled(places = usualPlaces()): Promise<Binaries[]> {
  const folders = [...places.path, ...(await byPgConfig(places.path)), ...(await byRoots(places.roots))];
  const seen = new Set<string>();
  const found: Binaries[] = [];
  for (const folder of folders.filter(hasServer)) {
    const real = await realpath(join(folder, programName('postgres')));
    if (seen.has(real)) continue;
    seen.add(real);
    const binaries = await probe(folder).catch(() => undefined);
    if (binaries !== undefined) found.push(binaries);
  }
  return found;
}

function assertSuitable(binaries: Binaries, folder: string, major: number | undefined): Binaries {
  if (!knownMajors.includes(binaries.major)) {
    throw new EnvironmentError(
      `${folder} holds PostgreSQL ${binaries.version}; pgrehearse knows ${knownMajors[0]} to ${newestMajor}.`,
    );
  }
  if (major !== undefined && binaries.major !== major) {
    throw new EnvironmentError(`${folder} holds PostgreSQL ${binaries.version}, not ${major}.`, {
      hint: 'Correct --pg or leave it out.',
    });
  }
  return binaries;
}

/** A folder with clients alone, as `libpq` packages have them, is of no use. */
function hasServer(folder: string): boolean {
  return ['initdb', 'postgres', 'pg_ctl'].every((name) => existsSync(join(folder, programName(name))));
}

function programName(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name;
}

/** Distributions put pg_config on PATH without the server's programs. */
async function byPgConfig(path: string[]): Promise<string[]> {
  const program = path.map((folder) => join(folder, programName('pg_config'))).find((file) => existsSync(file));
  if (program === undefined) return [];
  const answer = await promisify(execFile)(program, ['--bindir']).catch(() => undefined);
  return answer === undefined ? [] : [answer.stdout.trim()];
}

async function byRoots(roots: SearchPlaces['roots']): Promise<string[]> {
  const folders: { folder: string; major: number }[] = [];
  for (const { root, inside } of roots) {
    for (const name of await readdir(root).catch(() => [])) {
      // "17", "17.2", "postgresql@17", "pgsql-17"
      const major = Number(/^(?:postgresql@|pgsql-)?(\d+)(?:\.\d+)*$/.exec(name)?.[1]);
      if (!Number.isNaN(major)) folders.push({ folder: join(root, name, inside), major });
    }
  }
  return folders.sort((a, b) => b.major - a.major).map(({ folder }) => folder);
}
