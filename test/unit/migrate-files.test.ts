import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { readMigrations } from '../../src/migrate.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-files-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Record<string, string | Buffer>): Promise<void> {
  await Promise.all(Object.entries(files).map(([name, content]) => writeFile(join(folder, name), content)));
}

/** The faults that reading the folder tells, without the folder's path. */
async function faultsOf(files: Record<string, string | Buffer>): Promise<string[]> {
  await write(files);
  const error: unknown = await readMigrations(folder).then(
    () => expect.fail('it should have failed'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UsageError);
  const [headline, ...faults] = (error as UsageError).message.replaceAll(`${folder}/`, '').split('\n- ');
  expect(headline).toBe(`The migrations in ${folder} cannot be used:`);
  return faults;
}

async function checksumOf(content: string | Buffer): Promise<string> {
  await write({ '001_a.up.sql': content, '001_a.down.sql': '' });
  const [migration] = await readMigrations(folder);
  return migration!.sha256;
}

describe('readMigrations', () => {
  test('orders by number and passes over what is not SQL', async () => {
    const versions = ['10_c', '002_b', '20250101120000_d', '1_a'];
    await mkdir(join(folder, '003_folder.up.sql'));
    await write({ 'README.md': 'text' });
    for (const base of versions) await write({ [`${base}.up.sql`]: 'SELECT 1', [`${base}.down.sql`]: '-- nothing' });
    const migrations = await readMigrations(folder);
    expect(migrations.map(({ version, name }) => `${version}_${name}`)).toEqual([
      '1_a',
      '002_b',
      '10_c',
      '20250101120000_d',
    ]);
    expect(migrations[0]).toMatchObject({
      up: { path: join(folder, '1_a.up.sql'), text: 'SELECT 1', transactional: true },
      down: { statements: [], transactional: true },
    });
  });

  test('tells every fault at once', async () => {
    const faults = await faultsOf({
      '000_zero.up.sql': 'SELECT 1',
      '000_zero.down.sql': '',
      '001_a.up.sql': 'SELECT 1;\nSELECT 2 2;',
      '001_a.down.sql': '',
      '1_again.up.sql': 'SELECT 1',
      '1_again.down.sql': '',
      '002_b.up.sql': 'SELECT 1',
      '003_c.down.sql': 'SELECT 1',
      '004_d.up.sql': '-- nothing\n',
      '004_d.down.sql': '',
      '005_e.up.sql': Buffer.from([0x53, 0xff]),
      '005_e.down.sql': '',
      '007_g h.up.sql': 'SELECT 1',
    });
    expect(faults).toEqual([
      '001_a.up.sql:2: syntax error at or near "2"\n  2 | SELECT 2 2;\n    |          ^',
      '004_d.up.sql: it holds no statement',
      '005_e.up.sql: it is not UTF-8 text',
      '007_g h.up.sql: the name is not of the form NNN_name.up.sql or NNN_name.down.sql',
      '000_zero: version 000 means "no migration"; begin with 001',
      '002_b.up.sql has no 002_b.down.sql',
      '003_c.down.sql has no 003_c.up.sql',
      'version 1 is used twice: 001_a, 1_again',
    ]);
  });

  test('an empty or missing folder is a fault', async () => {
    await expect(readMigrations(folder)).rejects.toThrow(/holds no migrations that are known[^]*V1__name.sql/);
    await expect(readMigrations(join(folder, 'nowhere'))).rejects.toThrow(/nowhere cannot be read: ENOENT/);
  });

  test.for<[string, RegExp]>([
    ['COPY t FROM stdin;', /^001_a.up.sql:1: COPY from the client has no place in a migration/],
    ['SELECT 1;\nCOMMIT;\nSELECT 2', /^001_a.up.sql:2: a file is one transaction already/],
    ['BEGIN;\nCOMMIT;\nBEGIN;\nSELECT 2;\nCOMMIT;', /^001_a.up.sql:2: a file is one transaction already/],
    ['-- pgrehearse: no-transactions\nSELECT 1', /unknown directive "no-transactions"/],
    ['SELECT 1;\n-- pgrehearse: no-transaction\nSELECT 1', /must stand in front of the first statement/],
    ['\\i other.sql', /syntax error at or near "\\"/],
  ])('%j is refused', async ([up, fault]) => {
    expect((await faultsOf({ '001_a.up.sql': up, '001_a.down.sql': '' }))[0]).toMatch(fault);
  });

  test.for<[string, number, boolean]>([
    ['SELECT 1; SELECT 2', 2, true],
    ['BEGIN; SELECT 1; SELECT 2; COMMIT', 2, true],
    ['start transaction; SELECT 1; end;', 1, true],
    ['SAVEPOINT a; SELECT 1; ROLLBACK TO a; RELEASE a', 4, true],
    ['SELECT 1; CREATE INDEX CONCURRENTLY i ON t (a)', 2, false],
    ['/* why */ -- pgrehearse: no-transaction\nBEGIN; SELECT 1; COMMIT; SELECT 2', 4, false],
    ["SELECT '\n-- pgrehearse: no-transaction\n'", 1, true],
  ])('%j has %d statements, in one transaction: %s', async ([up, statements, transactional]) => {
    await write({ '001_a.up.sql': up, '001_a.down.sql': '' });
    const [migration] = await readMigrations(folder);
    expect(migration!.up).toMatchObject({ transactional });
    expect(migration!.up.statements).toHaveLength(statements);
  });

  test('the checksum is the same for LF and CRLF, with and without byte order mark, and no other', async () => {
    const line = fc.string({ maxLength: 20 }).map((text) => `-- ${text.replaceAll(/[\r\n\0]/g, '')}`);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 5 }), async (lines) => {
        const all = [...lines, 'SELECT 1;', ''];
        const checksum = await checksumOf(all.join('\n'));
        expect(await checksumOf(all.join('\r\n'))).toBe(checksum);
        expect(await checksumOf(`\uFEFF${all.join('\n')}`)).toBe(checksum);
        expect(await checksumOf(`${all.join('\n')} `)).not.toBe(checksum);
      }),
      { numRuns: 25 },
    );
    // printf 'SELECT 1;\n' | sha256sum
    expect(await checksumOf('SELECT 1;\r\n')).toBe('b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd');
  });
});
