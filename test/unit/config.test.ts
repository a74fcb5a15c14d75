import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerLimits, loadConfig, sizeBytes } from '../../src/config.ts';
import { findScenario, projectFolder } from '../../src/scenario-file.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'pgrehearse-config-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFile(join(folder, name), text);

describe('loadConfig', () => {
  it('is empty where there is no file', async () => expect(await loadConfig(folder, undefined, {})).toEqual({}));

  it('counts relative paths from the file', async () => {
    await write('pgrehearse.config.ts', `export default { cacheDir: 'cache', scenarios: { mine: './a.ts' } }`);
    expect(await loadConfig(folder, undefined, {})).toEqual({
      cacheDir: join(folder, 'cache'),
      scenarios: { mine: join(folder, 'a.ts') },
    });
  });

  it('lets the environment win over the file', async () => {
    await write('pgrehearse.config.mjs', `export default { cacheDir: '/a', out: '/b' }`);
    const config = await loadConfig(folder, undefined, { PGREHEARSE_CACHE: '/c' });
    expect(config).toMatchObject({ cacheDir: '/c', out: '/b' });
  });

  it.each(['60GB', '1.5 TB', '500MB'])('takes %s as the limit of the cache', async (cacheLimit) => {
    await write('pgrehearse.config.mjs', `export default { cacheLimit: '1GB' }`);
    expect(await loadConfig(folder, undefined, { PGREHEARSE_CACHE_LIMIT: cacheLimit })).toEqual({ cacheLimit });
  });

  it.each(['60', 'much', '-1GB', '10 gb'])('refuses %s as the limit of the cache', async (cacheLimit) => {
    const fromEnvironment = loadConfig(folder, undefined, { PGREHEARSE_CACHE_LIMIT: cacheLimit });
    await expect(fromEnvironment).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('a unit') });
    await write('pgrehearse.config.mjs', `export default { cacheLimit: '${cacheLimit}' }`);
    await expect(loadConfig(folder, undefined, {})).rejects.toThrow(/cacheLimit.*a unit/);
  });

  it.each([
    ['500MB', 5e8],
    ['1.5 TB', 1.5e12],
  ])('reads %s as %d bytes', (size, bytes) => expect(sizeBytes(size)).toBe(bytes));

  it('has limits for containers, over which flags win, and which no other server has', async () => {
    await write('pgrehearse.config.mjs', `export default { docker: { memory: '4GB', cpus: 1.5 } }`);
    const config = await loadConfig(folder, undefined, {});
    expect(containerLimits(config, 'docker')).toEqual({ memoryBytes: 4e9, cpus: 1.5 });
    expect(containerLimits(config, 'docker:postgres:17', { cpus: 2 })).toEqual({ memoryBytes: 4e9, cpus: 2 });
    expect(containerLimits(config, 'embedded')).toEqual({});
    expect(containerLimits(config, undefined, { cpus: 2 })).toEqual({ cpus: 2 });
    await write('pgrehearse.config.ts', `export default { docker: { memory: '4', cpu: 1 } }`);
    await expect(loadConfig(folder, undefined, {})).rejects.toThrow(/docker\.memory.*a unit[\s\S]*docker.*cpu/);
  });

  it('tells all faults with their paths', async () => {
    await write('pgrehearse.config.ts', `export default { load: { ratePerSecond: 'fast' }, cache: 1 }`);
    await expect(loadConfig(folder, undefined, {})).rejects.toThrow(/load\.ratePerSecond[\s\S]*cache/);
  });

  it('tells a file that cannot be loaded', async () => {
    await write('pgrehearse.config.ts', `export default {`);
    await expect(loadConfig(folder, undefined, {})).rejects.toThrow('cannot be loaded');
  });
});

describe('findScenario', () => {
  it('knows what ships', async () => {
    expect(await findScenario('webhooks', folder, {})).toMatch(/scenarios[/\\]webhooks\.[tj]s$/);
  });

  it('prefers the name in the config', async () => {
    expect(await findScenario('webhooks', folder, { scenarios: { webhooks: '/mine.ts' } })).toBe('/mine.ts');
  });

  it('lists the known names for an unknown one', async () => {
    await expect(findScenario('nope', folder, { scenarios: { mine: '/m.ts' } })).rejects.toMatchObject({
      exitCode: 2,
      hint: expect.stringMatching(/webhooks.*mine/) as string,
    });
  });

  it('counts migrations from the nearest package.json', async () => {
    await write('package.json', '{}');
    expect(await projectFolder(join(folder, 'deep/er/scenario.ts'))).toBe(folder);
  });
});
