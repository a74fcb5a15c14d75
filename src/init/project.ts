/** What `init` finds in the user's project: package, migrations of whatever tool, and what is there already. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { readMigrations, type Migration } from '../migrate.ts';
import { fittingFormats, formatOf, readFolder } from '../migrate/formats/detect.ts';
import type { MigrationFormatName } from '../migrate/formats/format.ts';

export interface Project {
  folder: string;
  /** For names of scenarios: lower-case letters, digits and dashes. */
  name: string;
  /** The folder of the nearest package.json, where paths of a scenario count from; undefined where there is none. */
  packageFolder: string | undefined;
  /** Of files with `import`: `.ts` where the package is of ES modules, else `.mts`. */
  extension: '.ts' | '.mts';
}

/** Migrations that are there. */
export interface FoundMigrations {
  folder: string;
  format: MigrationFormatName;
  migrations: Migration[];
}

export async function describeProject(folder: string): Promise<Project> {
  const packageFolder = nearestPackage(folder);
  const manifest = packageFolder === undefined ? undefined : await readManifest(join(packageFolder, 'package.json'));
  const given = (packageFolder === folder ? manifest?.name : undefined) ?? basename(folder);
  const name = given
    .replace(/^@[^/]*\//, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return {
    folder,
    name: name === '' ? 'app' : name,
    packageFolder,
    extension: manifest === undefined || manifest.type === 'module' ? '.ts' : '.mts',
  };
}

function nearestPackage(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

async function readManifest(path: string): Promise<{ name?: string; type?: string }> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as { name?: string; type?: string };
  } catch (cause) {
    throw new UsageError(`${path} is not JSON.`, { hint: 'Correct it first.', cause });
  }
}

/**
 * The project's migrations; undefined where it has none.
 *
 * @param chosen folder and format as the user named them
 * @throws UsageError when there are several folders, or one cannot be read
 */
export async function findMigrations(
  folder: string,
  chosen: { migrations?: string; format?: MigrationFormatName },
): Promise<FoundMigrations | undefined> {
  if (chosen.migrations !== undefined) return readFound(resolve(folder, chosen.migrations), chosen.format);
  const found = await foldersWithMigrations(folder, 5);
  if (found.length > 1) {
    const list = found.map((one) => `- ${relative(folder, one) || '.'}`).join('\n');
    throw new UsageError(`There are migrations in ${found.length} folders:\n${list}`, {
      hint: `Say which, as in --migrations ${relative(folder, found[0]!) || '.'}.`,
    });
  }
  return found[0] === undefined ? undefined : readFound(found[0], chosen.format);
}

async function readFound(path: string, chosen: MigrationFormatName | undefined): Promise<FoundMigrations> {
  const { name } = formatOf(await readFolder(path), chosen);
  if (name !== 'pgrehearse' || chosen !== undefined) {
    return { folder: path, format: name, migrations: await readMigrations(path, name) };
  }
  try {
    return { folder: path, format: name, migrations: await readMigrations(path, name) };
  } catch (error) {
    // The same names in golang-migrate's way: not every file has its down file.
    const migrations = await readMigrations(path, 'golang-migrate').catch(() => undefined);
    if (migrations === undefined) throw error;
    return { folder: path, format: 'golang-migrate', migrations };
  }
}

/** Folders that hold what others wrote, or what is there for tests. */
const passedOver =
  /^(\..*|node_modules|vendor|dist|build|target|coverage|reports|tests?|__tests__|fixtures|examples?)$/;

/** Folders whose files one of the formats knows; not those inside of such a folder. */
async function foldersWithMigrations(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.map(({ name }) => name);
  const numbered = names.some((name) => /^(\d+[_-].*|[VU]\d.*__.*)\.sql$/.test(name));
  const prisma = names.some((name) => /^\d/.test(name) && existsSync(join(folder, name, 'migration.sql')));
  // Names first: a folder may hold gigabytes of dumps.
  if ((numbered || prisma) && fittingFormats(await readFolder(folder)).length > 0) return [folder];
  if (depth === 0) return [];
  const inner = entries.filter((entry) => entry.isDirectory() && !passedOver.test(entry.name)).map(({ name }) => name);
  const found = await Promise.all(inner.sort().map((name) => foldersWithMigrations(join(folder, name), depth - 1)));
  return found.flat();
}
