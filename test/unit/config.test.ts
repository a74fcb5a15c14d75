import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
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
