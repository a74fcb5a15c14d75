/** `pgrehearse report`: a stored result rendered again, shown, and its schema. No database takes part. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeResult, readResult, writeResult } from '../../src/result-file.ts';
import { liveMigration } from '../unit/live-migration-fixture.ts';
import { buildResult, calmAfter, saturatedBefore } from '../unit/result-fixture.ts';
import { pgrehearse, projectRoot } from './command.ts';
import { temporaryFolder } from './postgres.ts';

async function storedResult(): Promise<Awaited<ReturnType<typeof temporaryFolder>>> {
  const folder = await temporaryFolder();
  await writeFile(join(folder.path, 'result.json'), encodeResult(buildResult()));
  return folder;
}

it('renders a stored result again, in Markdown and as a page', async () => {
  await using folder = await storedResult();
  const { exitCode, stdout } = await pgrehearse(['report', folder.path], folder.path);
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`Report: ${join(folder.path, 'report.md')}`)]);
  expect(await readFile(join(folder.path, 'report.html'), 'utf8')).toContain('<!doctype html>');
});

it('puts rehearsals of its steps beside a ladder, and keeps them in the result', async () => {
  await using folder = await temporaryFolder();
  const [ladder, step] = [join(folder.path, 'ladder'), join(folder.path, 'steps', 'after')];
  const live = { ...liveMigration([]), from: 'indexes', to: 'after' };
  await writeResult(ladder, buildResult([saturatedBefore, { ...calmAfter, stage: 'indexes' }, calmAfter]));
  await writeResult(step, { ...buildResult([]), liveMigration: live });
  const args = ['report', ladder, '--rehearsals'];
  expect((await pgrehearse([...args, join(folder.path, 'steps')], folder.path)).exitCode).toBe(0);
  expect(await readFile(join(ladder, 'report.md'), 'utf8')).toContain('| indexes to after | 1,000/s |');
  expect((await readResult(ladder)).rehearsedSteps).toHaveLength(1);
  const { exitCode, stderr } = await pgrehearse([...args, ladder], folder.path);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('No rehearsal of a step between stages')]);
});

it.skipIf(process.platform !== 'linux')('--open hands the page to the browser of the desktop', async () => {
  await using folder = await storedResult();
  const opener = join(folder.path, 'xdg-open');
  await writeFile(opener, `#!/bin/sh\nprintf '%s' "$1" > ${JSON.stringify(join(folder.path, 'opened'))}\n`);
  await chmod(opener, 0o755);
  const env = { ...process.env, PATH: `${folder.path}${delimiter}${process.env['PATH']}`, NO_COLOR: '1' };
  expect((await pgrehearse(['report', folder.path, '--open'], folder.path, { env })).exitCode).toBe(0);
  expect(await readFile(join(folder.path, 'opened'), 'utf8')).toBe(join(folder.path, 'report.html'));
});

it.skipIf(process.platform !== 'linux')('--open says so where there is nothing to open a page with', async () => {
  await using folder = await storedResult();
  const env = { PATH: folder.path, NO_COLOR: '1' };
  const { exitCode, stderr } = await pgrehearse(['report', folder.path, '--open'], folder.path, {
    env,
    extendEnv: false,
  });
  expect([exitCode, stderr]).toEqual([5, expect.stringContaining('cannot be opened here by xdg-open')]);
});

it('--schema prints the schema that comes with the package', async () => {
  await using folder = await temporaryFolder();
  const { stdout } = await pgrehearse(['report', '--schema'], folder.path);
  const published = await readFile(join(projectRoot, 'docs/result.schema.json'), 'utf8');
  expect(`${String(stdout)}\n`).toBe(published);
  expect(JSON.parse(published)).toMatchObject({ type: 'object', required: expect.arrayContaining(['schemaVersion']) });
});

it('ends quietly when the reader of its output has left, as head does', async () => {
  await using folder = await temporaryFolder();
  const running = pgrehearse(['report', '--schema'], folder.path, { buffer: { stdout: false } });
  running.stdout!.once('data', () => running.stdout!.destroy());
  const { exitCode, stderr } = await running;
  expect([exitCode, stderr]).toEqual([0, '']);
});

it('asks for a result where none is named', async () => {
  await using folder = await temporaryFolder();
  const { exitCode, stderr } = await pgrehearse(['report'], folder.path);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('No result was named.')]);
});
