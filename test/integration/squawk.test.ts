/** squawk itself, where the packages of the project have a binary for this platform; and programs that only have its name. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, vi } from 'vitest';
import { askSquawk } from '../../src/live-migration/squawk.ts';
import { readMigrations } from '../../src/migrate.ts';
import { projectRoot } from './command.ts';
import { temporaryFolder } from './postgres.ts';

const { exitCode } = await execa('squawk', ['--version'], { preferLocal: true, localDir: projectRoot, reject: false });
const installed = exitCode === 0;

const careless =
  'ALTER TABLE orders ALTER COLUMN cents SET NOT NULL;\n\nALTER TABLE orders\n  ALTER COLUMN cents TYPE bigint;\n';
const options = { folder: projectRoot, major: 18, setsLockTimeout: false };

async function migrationsIn(folder: string, up: string) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, '001_x.up.sql'), up);
  await writeFile(join(folder, '001_x.down.sql'), 'SELECT 1;\n');
  return readMigrations(folder);
}

/** A program of that name, in the folder where a project keeps its own. */
async function programNamedSquawk(folder: string, script: string): Promise<void> {
  const path = join(folder, 'node_modules/.bin/squawk');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

describe.skipIf(!installed)('squawk (needs its package for this platform)', () => {
  it('warns of statements at their lines', async () => {
    await using temporary = await temporaryFolder();
    const migrations = await migrationsIn(temporary.path, careless);
    const { use, findings } = await askSquawk(migrations, options);
    expect(use).toEqual({ version: expect.stringMatching(/^\d+\.\d+/) });
    const named = findings.map(({ name, line }) => `${line} ${name}`);
    expect(named).toContain('1 adding-not-nullable-field');
    expect(named).toContain('3 changing-column-type');
    expect(named).toContain('1 require-lock-timeout');
    expect(findings.every(({ by, file }) => by === 'squawk' && file.endsWith('001_x.up.sql'))).toBe(true);
  });

  it('asks for no lock_timeout where the runner sets one', async () => {
    await using temporary = await temporaryFolder();
    const migrations = await migrationsIn(temporary.path, careless);
    const { findings } = await askSquawk(migrations, { ...options, setsLockTimeout: true });
    expect(findings.map(({ name }) => name)).toContain('changing-column-type');
    expect(findings.map(({ name }) => name)).not.toContain('require-lock-timeout');
  });

  it('knows which files are one transaction', async () => {
    await using temporary = await temporaryFolder();
    const namesIn = async (name: string, up: string) => {
      const { findings } = await askSquawk(await migrationsIn(join(temporary.path, name), up), options);
      return findings.map((finding) => finding.name);
    };
    const text = 'ALTER TABLE orders ADD CONSTRAINT positive CHECK (cents > 0) NOT VALID;\n';
    const again = 'prefer-robust-stmts';
    expect(await namesIn('one', text)).not.toContain(again);
    expect(await namesIn('each', `-- pgrehearse: no-transaction\n${text}`)).toContain(again);
  });

  it('leaves harmless migrations alone, and obeys the .squawk.toml of the project', async () => {
    await using temporary = await temporaryFolder();
    const migrations = await migrationsIn(temporary.path, careless);
    await writeFile(join(temporary.path, '.squawk.toml'), 'excluded_rules = ["changing-column-type"]\n');
    vi.stubEnv('PATH', `${join(projectRoot, 'node_modules/.bin')}${delimiter}${process.env['PATH']}`);
    const { findings } = await askSquawk(migrations, { ...options, folder: temporary.path });
    vi.unstubAllEnvs();
    expect(findings.map(({ name }) => name)).toContain('adding-not-nullable-field');
    expect(findings.map(({ name }) => name)).not.toContain('changing-column-type');
    const harmless = await migrationsIn(join(temporary.path, 'harmless'), 'SELECT 1;\n');
    expect(await askSquawk(harmless, options)).toMatchObject({ findings: [] });
  });
});

describe('askSquawk', () => {
  it.each([
    ['fails at once', 'exit 3', 'squawk ended with code 3 and without a report.'],
    [
      'ends in the middle',
      'test "$1" = --version && echo squawk 9.9.9 && exit; echo "[{"; exit 101',
      'ended with code 101',
    ],
    [
      'says something else',
      'test "$1" = --version && echo squawk 9.9.9 && exit; echo out of it >&2; exit 1',
      'out of it',
    ],
  ])('does without a program that %s', async (_, script, says) => {
    await using temporary = await temporaryFolder();
    await programNamedSquawk(temporary.path, script);
    const migrations = await migrationsIn(join(temporary.path, 'migrations'), careless);
    const { use, findings } = await askSquawk(migrations, { ...options, folder: temporary.path });
    expect(use).toEqual({ absent: expect.stringContaining(says) });
    expect(findings).toEqual([]);
  });

  it('says where to get it where it is not found', async () => {
    await using temporary = await temporaryFolder();
    const migrations = await migrationsIn(join(temporary.path, 'migrations'), careless);
    vi.stubEnv('PATH', temporary.path);
    const { use } = await askSquawk(migrations, { ...options, folder: temporary.path });
    vi.unstubAllEnvs();
    expect(use).toEqual({ absent: expect.stringContaining('npm install --save-dev squawk-cli') });
  });
});
