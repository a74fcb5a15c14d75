/** What a reader of a folder layout is: pure, from the files' bytes to scripts in their versions. */
import type { ScriptSource } from '../script.ts';

/** Names as `workload.migrationsFormat` takes them. */
export const migrationFormats = [
  'pgrehearse',
  'golang-migrate',
  'node-pg-migrate',
  'flyway',
  'dbmate',
  'prisma',
  'drizzle',
] as const;
export type MigrationFormatName = (typeof migrationFormats)[number];

/** The files of a folder of migrations that may matter to one of the formats. */
export interface MigrationFolder {
  path: string;
  /** By path below the folder, with `/`; in the order of their names. Two levels at most. */
  files: ReadonlyMap<string, Buffer>;
}

/** A migration as a format found it, before its scripts are parsed. */
export interface MigrationSource {
  /** Digits as the file name has them, with dots between groups. */
  version: string;
  name: string;
  up: ScriptSource;
  /** Absent where the tool needs none. */
  down?: ScriptSource;
}

/** How a tool lays out its migrations. */
export interface MigrationFormat {
  name: MigrationFormatName;
  /** The files, for messages. */
  layout: string;
  /** Whether a file may hold no statement at all. */
  mayBeEmpty: boolean;
  /** Whether a folder has files of this layout. */
  fits(folder: MigrationFolder): boolean;
  /** All migrations, in any order; what cannot be read as one is added to `faults`. */
  read(folder: MigrationFolder, faults: string[]): MigrationSource[];
}

/** Whether any file of the folder itself has a name like this. */
export function hasFile({ files }: MigrationFolder, pattern: RegExp): boolean {
  return [...files.keys()].some((name) => pattern.test(name));
}

/** The files of the folder itself that end in .sql. */
export function sqlFiles({ files }: MigrationFolder): [name: string, content: Buffer][] {
  return [...files].filter(([name]) => /^[^/]+\.sql$/i.test(name));
}
