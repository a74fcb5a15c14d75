/** Which tool's layout a folder of migrations has. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsageError } from '../../errors.ts';
import { drizzleFormat } from './drizzle.ts';
import { flywayFormat } from './flyway.ts';
import type { MigrationFolder, MigrationFormat, MigrationFormatName } from './format.ts';
import { dbmateFormat, nodePgMigrateFormat } from './one-file.ts';
import { golangMigrateFormat, pgrehearseFormat } from './pairs.ts';
import { prismaFormat } from './prisma.ts';

const formats: readonly MigrationFormat[] = [
  pgrehearseFormat,
  golangMigrateFormat,
  nodePgMigrateFormat,
  flywayFormat,
  dbmateFormat,
  prismaFormat,
  drizzleFormat,
];

/**
 * Reads what one of the formats may need: SQL files, and the files by which a tool keeps its books; of the folder and of the
 * folders in it.
 * @throws UsageError when the folder cannot be read
 */
export async function readFolder(path: string): Promise<MigrationFolder> {
  try {
    const files = new Map<string, Buffer>();
    for (const name of await namesIn(path)) files.set(name, await readFile(join(path, name)));
    return { path, files };
  } catch (error) {
    throw new UsageError(`The migrations folder ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Name a folder that holds migrations, such as NNN_name.up.sql and NNN_name.down.sql.',
      cause: error,
    });
  }
}

async function namesIn(path: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isDirectory()) {
      names.push(entry.name);
    } else if (entry.name !== 'node_modules' && !entry.name.startsWith('.')) {
      const inner = await readdir(join(path, entry.name), { withFileTypes: true });
      names.push(...inner.filter((one) => !one.isDirectory()).map((one) => `${entry.name}/${one.name}`));
    }
  }
  return names
    .filter((name) => /\.sql$/i.test(name) || /(^|\/)(_journal\.json|migration_lock\.toml)$/.test(name))
    .sort();
}

/** The formats whose files the folder has, golang-migrate's aside: its files look like ours. */
export function fittingFormats(folder: MigrationFolder): MigrationFormatName[] {
  return formats.filter((format) => format.fits(folder)).map(({ name }) => name);
}

/**
 * The format that was chosen, or the one that fits.
 * @throws UsageError when none fits, or several do
 */
export function formatOf(folder: MigrationFolder, chosen?: MigrationFormatName): MigrationFormat {
  if (chosen !== undefined) return formats.find(({ name }) => name === chosen)!;
  const fitting = formats.filter((format) => format.fits(folder));
  if (fitting.length === 1) return fitting[0]!;
  const known = formats.map(({ name, layout }) => `- ${name}: ${layout}`).join('\n');
  if (fitting.length === 0) {
    throw new UsageError(`The folder ${folder.path} holds no migrations that are known. Those that are:\n${known}`, {
      hint: 'Correct the folder, or the names of its files.',
    });
  }
  const found = fitting.map(({ name, layout }) => `- ${name}: ${layout}`).join('\n');
  throw new UsageError(`The folder ${folder.path} holds migrations of ${fitting.length} tools:\n${found}`, {
    hint: `Say which with migrationsFormat of the workload: '${fitting[0]!.name}'.`,
  });
}
