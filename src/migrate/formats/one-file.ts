/** Tools that keep both directions in one file, under marks that are SQL comments: dbmate and node-pg-migrate. */
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import { textOf } from '../script.ts';
import { sqlFiles, type MigrationFolder, type MigrationFormat, type MigrationSource } from './format.ts';

/** dbmate's marks (pkg/dbmate/migration.go): `-- migrate:up`, with options behind it. */
const dbmateUp = /^--[^\S\n]*migrate:up(?<options>[^\S\n].*)?$/m;
const dbmateDown = /^--[^\S\n]*migrate:down(?<options>[^\S\n].*)?$/m;

/** node-pg-migrate's marks (src/sqlMigration.ts): `-- Up Migration`, in any case, with any dashes. */
const nodeUp = /^\s*--[\s-]*up\s+migration/im;
const nodeDown = /^\s*--[\s-]*down\s+migration/im;

export const dbmateFormat: MigrationFormat = {
  name: 'dbmate',
  layout: 'NNN_name.sql with "-- migrate:up" and "-- migrate:down"',
  mayBeEmpty: true,
  fits: (folder) => someText(folder, dbmateUp),
  read: (folder, faults) =>
    readFiles(folder, faults, /^(?<version>\d+)_?(?<name>.*)\.sql$/, (text) => {
      const [up, down] = [dbmateUp.exec(text), dbmateDown.exec(text)];
      if (!up) return 'it has no "-- migrate:up"';
      if (down && down.index < up.index) return '"-- migrate:up" must stand before "-- migrate:down"';
      if (/^(?!\s*--).*\S/m.test(text.slice(0, up.index))) return 'there is a statement before "-- migrate:up"';
      return {
        up: { content: partOf(text, up.index, down?.index), noTransaction: forbidsTransaction(up) },
        ...(down ? { down: { content: partOf(text, down.index), noTransaction: forbidsTransaction(down) } } : {}),
      };
    }),
};

export const nodePgMigrateFormat: MigrationFormat = {
  name: 'node-pg-migrate',
  layout: 'NNN_name.sql with "-- Up Migration" and "-- Down Migration"',
  mayBeEmpty: true,
  fits: (folder) => someText(folder, nodeUp),
  read: (folder, faults) =>
    readFiles(folder, faults, /^(?<version>\d+)[_-](?<name>.+)\.sql$/, (text) => {
      const [up, down] = [text.search(nodeUp), text.search(nodeDown)];
      const upEnd = down > up ? down : undefined;
      return {
        up: { content: up < 0 ? text : partOf(text, up, upEnd) },
        ...(down < 0 ? {} : { down: { content: partOf(text, down, up > down ? up : undefined) } }),
      };
    }),
};

interface Part {
  content: string;
  noTransaction?: boolean;
}

/** @param split the parts of a file's text, or what is wrong with it */
function readFiles(
  folder: MigrationFolder,
  faults: string[],
  pattern: RegExp,
  split: (text: string) => { up: Part; down?: Part } | string,
): MigrationSource[] {
  return sqlFiles(folder).flatMap(([fileName, content]) => {
    const path = join(folder.path, fileName);
    const match = pattern.exec(fileName);
    if (!match) {
      faults.push(`${fileName}: the name is not of the form NNN_name.sql`);
      return [];
    }
    const { version, name } = match.groups as { version: string; name: string };
    try {
      const parts = split(textOf(content));
      if (typeof parts !== 'string') {
        const { up, down } = parts;
        return [{ version, name, up: { path, ...up }, ...(down ? { down: { path, ...down } } : {}) }];
      }
      faults.push(`${path}: ${parts}`);
    } catch (error) {
      faults.push(`${path}: ${messageOf(error)}`);
    }
    return [];
  });
}

/** A part of a text at its own lines, so that faults are told where they stand in the file. */
function partOf(text: string, from: number, to = text.length): string {
  return text.slice(0, from).replaceAll(/[^\n]+/g, '') + text.slice(from, to);
}

function forbidsTransaction(mark: RegExpExecArray): boolean {
  return /(^|\s)transaction:false(\s|$)/.test(mark.groups?.['options'] ?? '');
}

/** Marks are ASCII, so that the bytes need not be text yet. */
function someText(folder: MigrationFolder, pattern: RegExp): boolean {
  return sqlFiles(folder).some(([, content]) => pattern.test(content.toString('latin1')));
}
