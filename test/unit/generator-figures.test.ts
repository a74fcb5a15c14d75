import { mkdtempDisposable, writeFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keepGeneratorFigures, knownGeneratorFigures } from '../../src/generator-figures.ts';
import { describeHost } from '../../src/server/host.ts';

const figures = {
  ceilingPerSecond: 50_000,
  perCorePerSecond: 45_000,
  latenessP50Us: 40,
  latenessP99Us: 200,
  latenessCpuCores: 0.1,
  measuredAt: '2026-11-20T21:00:00.000Z',
};

it('keeps the figures of this machine, and takes them for no other', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-figures-'));
  const host = describeHost();
  expect(await knownGeneratorFigures(folder.path, host)).toBeUndefined();
  await keepGeneratorFigures(folder.path, host, figures);
  expect(await knownGeneratorFigures(folder.path, host)).toEqual(figures);
  expect(await knownGeneratorFigures(folder.path, { ...host, cores: host.cores + 1 })).toBeUndefined();
});

it('forgets figures that were damaged', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-figures-'));
  await keepGeneratorFigures(folder.path, describeHost(), figures);
  const [file] = await readdir(join(folder.path, 'generator'));
  await writeFile(join(folder.path, 'generator', file!), '{"ceilingPerSecond": "many"}');
  expect(await knownGeneratorFigures(folder.path, describeHost())).toBeUndefined();
});
