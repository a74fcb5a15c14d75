import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCommit } from '../../src/commit.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-commit-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('tells the commit that is checked out, and whether files differ from it', async () => {
  const git = (...args: string[]) =>
    execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: folder });
  expect(await readCommit(folder)).toBeUndefined();
  await git('init', '--quiet');
  expect(await readCommit(folder)).toBeUndefined();
  await writeFile(join(folder, 'one.sql'), 'SELECT 1;\n');
  await git('add', 'one.sql');
  await git('commit', '--quiet', '-m', 'one');
  const { stdout: sha } = await git('rev-parse', 'HEAD');
  expect(await readCommit(folder)).toEqual({ sha, dirty: false });

  await mkdir(join(folder, 'reports'));
  await writeFile(join(folder, 'reports/result.json'), '{}');
  expect(await readCommit(folder)).toEqual({ sha, dirty: false });
  await writeFile(join(folder, 'two.sql'), 'SELECT 2;\n');
  expect(await readCommit(folder)).toEqual({ sha, dirty: true });
});
