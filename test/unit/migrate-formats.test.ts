/** Folders of other tools, read as they are. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readMigrations, type Migration } from '../../src/migrate.ts';
import type { MigrationFormatName } from '../../src/migrate/formats/format.ts';
import { compareVersions, versionKey } from '../../src/migrate/versions.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-formats-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Files = Record<string, string>;

async function read(files: Files, format?: MigrationFormatName): Promise<Migration[]> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return readMigrations(folder, format);
}

/** `version_name: up / down`, with the statements' texts. */
function told(migrations: readonly Migration[]): string[] {
  return migrations.map(({ version, name, up, down }) => {
    const texts = (script = up) => script.statements.map(({ text }) => text).join('; ');
    return `${version}_${name}: ${texts()} / ${down === undefined ? 'none' : texts(down)}`;
  });
}

const journal = (dialect: string, ...tags: string[]) =>
  JSON.stringify({
    version: '7',
    dialect,
    entries: tags.map((tag, idx) => ({ idx, tag, when: 1, breakpoints: true })),
  });

describe('each layout is found by its files', () => {
  test.for<[string, Files, string[]]>([
    [
      'ours, and golang-migrate',
      { '000001_a.up.sql': 'SELECT 1', '000001_a.down.sql': 'SELECT 2' },
      ['000001_a: SELECT 1 / SELECT 2'],
    ],
    [
      'Flyway, with undo and folders',
      {
        'V1__a.sql': 'SELECT 1',
        'V1.10__c.sql': 'SELECT 3',
        'later/V1_9__b.sql': 'SELECT 2',
        'U1__a.sql': 'SELECT -1',
      },
      ['1_a: SELECT 1 / SELECT -1', '1.9_b: SELECT 2 / none', '1.10_c: SELECT 3 / none'],
    ],
    [
      'dbmate',
      {
        '20240101120000_a.sql': '-- migrate:up\nSELECT 1;\n\n-- migrate:down\nSELECT 2;\n',
        '20240101120001_b.sql': '-- note\n-- migrate:up transaction:false\nSELECT 3;\n-- migrate:down\n',
      },
      ['20240101120000_a: SELECT 1 / SELECT 2', '20240101120001_b: SELECT 3 / '],
    ],
    [
      'node-pg-migrate',
      {
        '1700000000000_a.sql': '-- Up Migration\nSELECT 1;\n-- Down Migration\nSELECT 2;\n',
        '1700000000001_b.sql': 'SELECT 3',
      },
      ['1700000000000_a: SELECT 1 / SELECT 2', '1700000000001_b: SELECT 3 / none'],
    ],
    [
      'Prisma',
      {
        'migration_lock.toml': 'provider = "postgresql"\n',
        '0_init/migration.sql': '-- CreateTable\nSELECT 1',
        '20240101120000_a/migration.sql': 'SELECT 2',
        '20240101120000_a/down.sql': 'SELECT -2',
        '20240101120001_empty/migration.sql': '-- This is an empty migration.',
      },
      ['0_init: SELECT 1 / none', '20240101120000_a: SELECT 2 / SELECT -2', '20240101120001_empty:  / none'],
    ],
    [
      'Drizzle',
      {
        'meta/_journal.json': journal('postgresql', '0000_a', '0001_b'),
        '0000_a.sql': 'SELECT 1;--> statement-breakpoint\nSELECT 2;',
        '0001_b.sql': 'SELECT 3;',
      },
      ['0000_a: SELECT 1; SELECT 2 / none', '0001_b: SELECT 3 / none'],
    ],
  ])('%s', async ([, files, expected]) => {
    expect(told(await read(files))).toEqual(expected);
  });
});

test("golang-migrate's looser pairs are read when they are asked for", async () => {
  const files = { '1_create users.up.sql': 'SELECT 1', '2_b.up.sql': 'SELECT 2', '2_b.down.sql': 'SELECT -2' };
  await expect(read(files)).rejects.toThrow(/2_b|create users/);
  expect(told(await read(files, 'golang-migrate'))).toEqual([
    '1_create users: SELECT 1 / none',
    '2_b: SELECT 2 / SELECT -2',
  ]);
});

test('the marks of dbmate decide about the transaction', async () => {
  const [first, second] = await read({
    '1_a.sql': '-- migrate:up transaction:false\nSELECT 1;\n-- migrate:down\nSELECT 1;',
    '2_b.sql': '-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\nSELECT 1;',
  });
  expect([first!.up.transactional, first!.down!.transactional]).toEqual([false, true]);
  expect([second!.up.transactional, second!.down!.transactional]).toEqual([true, false]);
});

describe('what fits none, or two, is told', () => {
  test.for<[string, Files, RegExp]>([
    ['no migrations', { 'notes.md': 'x' }, /holds no migrations that are known/],
    ['names without versions', { 'tables.sql': 'SELECT 1' }, /holds no migrations that are known/],
    [
      'two tools',
      { '001_a.up.sql': 'SELECT 1', '001_a.down.sql': '', 'V2__b.sql': 'SELECT 1' },
      /migrations of 2 tools:\n- pgrehearse: .*\n- flyway: /,
    ],
    [
      'a syntax error, at its line',
      { '1_a.sql': '-- migrate:up\n\nSELECT 1 1;\n-- migrate:down' },
      /1_a\.sql:3: syntax/,
    ],
    [
      'a syntax error in the second part, at its line',
      { '1_a.sql': '-- Up Migration\nSELECT 1;\n-- Down Migration\nSELECT 1 1;' },
      /1_a\.sql:4: syntax/,
    ],
    [
      'dbmate without up',
      { '1_a.sql': '-- migrate:up\nSELECT 1', '2_b.sql': 'SELECT 1' },
      /2_b\.sql: it has no "-- mig/,
    ],
    ['a statement before the mark', { '1_a.sql': 'SELECT 1;\n-- migrate:up\nSELECT 1' }, /there is a statement before/],
    [
      'a repeatable migration',
      { 'V1__a.sql': 'SELECT 1', 'R__b.sql': 'SELECT 1' },
      /R__b\.sql: a repeatable migration/,
    ],
    ['a version twice', { 'V1__a.sql': 'SELECT 1', 'V1.0__b.sql': 'SELECT 1' }, /used twice: 1\.0_b, 1_a/],
    [
      'Prisma for MySQL',
      { 'migration_lock.toml': 'provider = "mysql"', '1_a/migration.sql': 'SELECT 1' },
      /are for mysql, not for PostgreSQL/,
    ],
    ['Drizzle for SQLite', { 'meta/_journal.json': journal('sqlite') }, /are for sqlite, not for PostgreSQL/],
    ['a broken journal', { 'meta/_journal.json': '{', '0000_a.sql': 'SELECT 1' }, /_journal\.json cannot be read/],
    [
      'a journal that does not agree with the files',
      { 'meta/_journal.json': journal('postgresql', '0000_a'), '0001_b.sql': 'SELECT 1' },
      /0001_b\.sql: meta\/_journal\.json does not have it[^]*names 0000_a, and there is no 0000_a\.sql/,
    ],
  ])('%s', async ([, files, message]) => {
    await expect(read(files)).rejects.toThrow(message);
  });
});

describe('versions', () => {
  const version = fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));

  test('are ordered as numbers, and equal ones have one key', () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(compareVersions(a, b)).toBe(-compareVersions(b, a) || 0);
        expect(versionKey(a) === versionKey(b)).toBe(compareVersions(a, b) === 0);
        expect(compareVersions(`00${a}.0`, a)).toBe(0);
      }),
    );
    expect(['1.10', '002', '1.9', '10'].sort(compareVersions)).toEqual(['1.9', '1.10', '002', '10']);
  });
});
