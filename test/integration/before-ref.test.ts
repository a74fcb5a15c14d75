/** `--before-ref`: "before" from a git reference of a user's own repository, "after" from the working tree. */
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import { pgrehearse, projectRoot } from './command.ts';
import { temporaryFolder } from './postgres.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let repository: string;
let cache: string;

const git = (...args: string[]) =>
  execa('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args], { cwd: repository });

/** A project of a user: the shop in a folder of a repository, its baseline committed, an index in the working tree only. */
beforeAll(async () => {
  temporary = await temporaryFolder();
  cache = join(temporary.path, 'cache');
  repository = join(temporary.path, 'repository');
  await mkdir(join(repository, 'app', 'node_modules'), { recursive: true });
  await mkdir(join(repository, 'app', 'migrations'));
  await symlink(projectRoot, join(repository, 'app', 'node_modules', 'pgrehearse'));
  await writeFile(join(repository, 'app', 'package.json'), '{"type":"module"}');
  await writeFile(join(repository, '.gitignore'), 'node_modules/\n');
  const shop = await readFile(join(projectRoot, 'test/fixtures/shop.ts'), 'utf8');
  const own = shop.replace("'test/fixtures/shop'", "'migrations'").replace("migrations: '002'", "migrations: 'latest'");
  await writeFile(join(repository, 'app', 'shop.ts'), own);
  await copyMigration('001');
  await git('init', '--quiet', '--initial-branch', 'main');
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'Shop');
  await copyMigration('002');
});
afterAll(() => temporary[Symbol.asyncDispose]());

async function copyMigration(version: string): Promise<void> {
  const folder = join(projectRoot, 'test/fixtures/shop');
  for (const name of (await readdir(folder)).filter((file) => file.startsWith(version))) {
    await cp(join(folder, name), join(repository, 'app', 'migrations', name));
  }
}

const run = (ref: string, ...flags: string[]) =>
  pgrehearse(['run', './app/shop.ts', '--before-ref', ref, '--preset', 'none', '--scale', '0.1', ...flags], cache, {
    cwd: repository,
  });

describe('--before-ref', () => {
  it('measures both versions, and knows what changed between them', async () => {
    const out = join(temporary.path, 'out');
    const { exitCode, stderr } = await run('main', '--duration', '2s', '--out', out);
    const result = await readResult(out);
    expect(result.stages.map(({ name, applied }) => [name, applied.map(({ version }) => version)])).toEqual([
      ['before', []],
      ['after', ['002']],
    ]);
    expect(result.stages[0]!.description).toMatch(/^main \([0-9a-f]{10}\)$/);
    expect(result.changes).toEqual([
      {
        file: 'app/migrations/002_order_index.up.sql',
        line: expect.any(Number),
        text: expect.stringContaining('CREATE INDEX'),
      },
    ]);
    expect(result.answers).toMatchObject([{ transaction: 'open_orders', different: 0 }]);
    // Two seconds decide nothing; a busy machine makes them invalid.
    expect([3, 4], String(stderr)).toContain(exitCode);
    expect(stderr).toContain('after: Drive');
  });

  it('leaves the repository as it was', async () => {
    expect((await git('status', '--porcelain')).stdout).toBe(
      ['?? app/migrations/002_order_index.down.sql', '?? app/migrations/002_order_index.up.sql'].join('\n'),
    );
  });

  it.each([
    ['a reference that does not exist', 'nowhere', 'has no commit nowhere'],
    ['an option in disguise', '--output=x', 'has no commit --output=x'],
  ])('refuses %s before anything starts', async (_, ref, says) => {
    const { exitCode, stderr } = await pgrehearse(['run', './app/shop.ts', `--before-ref=${ref}`], cache, {
      cwd: repository,
    });
    expect(stderr).toContain(says);
    expect(exitCode).toBe(2);
  });

  it('refuses a baseline that was rewritten', async () => {
    const baseline = join(repository, 'app', 'migrations', '001_shop.up.sql');
    const text = await readFile(baseline, 'utf8');
    await writeFile(baseline, `${text}\nCREATE TABLE more (id int);\n`);
    const { exitCode, stderr } = await run('main');
    await writeFile(baseline, text);
    expect(stderr).toContain('migration 001 of the baseline is another one');
    expect(exitCode).toBe(2);
  });

  it('refuses a project without a repository', async () => {
    const { exitCode, stderr } = await pgrehearse(['run', './shop.ts', '--before-ref', 'main'], cache, {
      cwd: await outside(),
    });
    expect(stderr).toContain('is not in a git repository');
    expect(exitCode).toBe(2);
  });
});

/** The project without its repository. */
async function outside(): Promise<string> {
  const folder = join(temporary.path, 'outside');
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  for (const name of ['shop.ts', 'package.json', 'migrations']) {
    await cp(join(repository, 'app', name), join(folder, name), { recursive: true });
  }
  await symlink(projectRoot, join(folder, 'node_modules', 'pgrehearse'));
  return folder;
}
