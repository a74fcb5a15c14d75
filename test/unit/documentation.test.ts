/** The code in the documentation is what it says: it loads, it is valid, its files exist. */
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHttpScenario } from '../../src/http/check-scenario.ts';
import { drawerOf, importHttpScenario } from '../../src/http/scenario.ts';
import { checkScenario } from '../../src/scenario-check.ts';
import { importScenario } from '../../src/scenario-module.ts';
import { createCatalog } from '../../src/seed/catalog.ts';
import type { SeedSpec } from '../../src/seed/define.ts';

const root = resolve(import.meta.dirname, '../..');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/design.md',
  'docs/http.md',
  'docs/method.md',
  'docs/operations.md',
  'docs/scenarios.md',
];

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(root, 'test/fixtures/documented-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function codeBlocks(page: string, language: string): Promise<string[]> {
  const text = await readFile(join(root, page), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]!);
}

async function asModule(name: string, code: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, code);
  return file;
}

describe('documentation', () => {
  it('has a valid scenario in the README', async () => {
    const code = (await codeBlocks('README.md', 'ts')).find((block) => block.includes('defineScenario'))!;
    const scenario = await importScenario(await asModule('readme.ts', code));
    await checkScenario(scenario, 'README.md');
    expect(createCatalog(scenario.workload.seed, { seed: 1, scale: 1 }).rows('orders')).toBe(2_000_000);
  });

  it('has a seed that works in docs/scenarios.md', async () => {
    const code = (await codeBlocks('docs/scenarios.md', 'ts')).find((block) =>
      block.includes('export const shopSeed'),
    )!;
    const { shopSeed } = (await import(await asModule('seed.ts', code))) as { shopSeed: SeedSpec };
    const catalog = createCatalog(shopSeed, { seed: 1, scale: 0.001 });
    for (const [table, { columns }] of Object.entries(shopSeed.tables)) {
      for (const column of Object.keys(columns)) expect(catalog.cell(table, column, 0)).not.toBeUndefined();
    }
  });

  it('has a service that could be loaded in docs/http.md', async () => {
    const code = (await codeBlocks('docs/http.md', 'ts')).find((block) => block.includes('defineHttpScenario'))!;
    const scenario = await importHttpScenario(await asModule('http.ts', code));
    await checkHttpScenario(scenario, 'docs/http.md');
    const drawer = drawerOf(scenario, { seed: 1, scale: 1 });
    for (const spec of Object.values(scenario.http.requests)) {
      expect(spec.request(drawer.draw(0, 0, 0)).path).toMatch(/^\//);
    }
  });

  it.each(pages)('links in %s lead somewhere', async (page) => {
    const text = await readFile(join(root, page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
    for (const link of links) await access(join(root, dirname(page), link));
  });
});
