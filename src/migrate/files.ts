/** Migration files: named, paired, ordered, checksummed and parsed before anything is applied. */
import { createHash } from 'node:crypto';
import { UsageError } from '../errors.ts';
import { formatOf, readFolder } from './formats/detect.ts';
import type { MigrationFormatName } from './formats/format.ts';
import { parseScript, type MigrationScript } from './script.ts';
import { compareVersions } from './versions.ts';

/** One step of a schema's history, of whatever tool. */
export interface Migration {
  /** Digits as the file name has them: "003", "1.2". Ordered as numbers. */
  version: string;
  name: string;
  /** SHA-256 of the up file's text, in hexadecimal: the same for LF and CRLF. */
  sha256: string;
  up: MigrationScript;
  /** Absent where the tool that it was written for needs none. */
  down?: MigrationScript;
}

/**
 * Reads a folder of migrations, in ascending order of version.
 *
 * @param format whose layout it has; default: found by the files
 * @throws UsageError that names every fault at once: bad names, missing halves, versions used twice, text that is not
 *   UTF-8, syntax errors, statements that have no place in a migration; or a layout that is none or two
 */
export async function readMigrations(path: string, format?: MigrationFormatName): Promise<Migration[]> {
  const folder = await readFolder(path);
  const reader = formatOf(folder, format);
  const layoutFaults: string[] = [];
  const sources = reader.read(folder, layoutFaults).sort((a, b) => compareVersions(a.version, b.version));
  const faults: string[] = [];
  const migrations: Migration[] = [];
  for (const { version, name, up, down } of sources) {
    const script = await parseScript(up, faults, reader.mayBeEmpty);
    migrations.push({
      version,
      name,
      sha256: createHash('sha256').update(script.text, 'utf8').digest('hex'),
      up: script,
      ...(down ? { down: await parseScript(down, faults, true) } : {}),
    });
  }
  faults.push(...layoutFaults, ...faultsOfVersions(migrations));
  if (migrations.length === 0 && faults.length === 0) faults.push(`it holds no ${reader.layout}`);
  if (faults.length > 0) {
    const list = faults.map((fault) => `- ${fault.replaceAll('\n', '\n  ')}`).join('\n');
    throw new UsageError(`The migrations in ${path} cannot be used:\n${list}`, {
      hint: `Correct the files; nothing was applied. They were read as those of ${reader.name}: migrationsFormat of the workload names another.`,
    });
  }
  return migrations;
}

/**
 * The script of one direction.
 * @throws UsageError when there is no way back
 */
export function scriptOf(migration: Migration, direction: 'up' | 'down'): MigrationScript {
  const script = migration[direction];
  if (script !== undefined) return script;
  throw new UsageError(
    `Migration ${migration.version}_${migration.name} has no down file, so it cannot be taken back.`,
    {
      hint: 'Go up on a new database instead.',
    },
  );
}

function faultsOfVersions(migrations: readonly Migration[]): string[] {
  return migrations.flatMap((migration, index) => {
    const before = migrations[index - 1];
    if (!before || compareVersions(before.version, migration.version) !== 0) return [];
    const titles = `${before.version}_${before.name}, ${migration.version}_${migration.name}`;
    return [`version ${migration.version} is used twice: ${titles}`];
  });
}
