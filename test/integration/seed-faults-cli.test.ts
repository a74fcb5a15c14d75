/** A seed that cannot be loaded ends with exit code 2, table, column and row, before anything long begins. */
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pgrehearse, projectRoot } from './command.ts';

let cache: string;
let place: string;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'pgrehearse-faults-'));
  await chmod(cache, 0o755);
  // In the project, so that it finds the package by name.
  place = join(projectRoot, 'test/fixtures', `faulty-${process.pid}`);
  await mkdir(place);
});
afterAll(async () => {
  await rm(cache, { recursive: true, force: true });
  await rm(place, { recursive: true, force: true });
});

/** The shop with 5 million orders, whose column `cents` comes from the given generator. */
async function shopWith(name: string, cents: string): Promise<string> {
  const file = join(place, `${name}.ts`);
  await writeFile(
    file,
    `import { compute, constant, defineScenario, defineSeed } from 'pgrehearse';
     import shop from '../shop.ts';
     const { seed } = shop.workload;
     const orders = { rows: 5_000_000, columns: { ...seed.tables.orders.columns, cents: ${cents} } };
     export default defineScenario({
       ...shop,
       workload: { ...shop.workload, name: 'faulty', seed: defineSeed({ ...seed, tables: { ...seed.tables, orders } }) },
     });`,
  );
  return relative(projectRoot, file);
}

it.each([
  {
    what: 'text for a number',
    cents: `compute(() => 'cheap')`,
    says: /orders.*cents.*row 0/s,
  },
  {
    what: 'a number beyond its type',
    cents: `compute(({ row }) => (row === 5 ? 3_000_000_000 : 1))`,
    says: /orders.*cents.*row 5/s,
  },
  {
    what: 'a null where none may be',
    cents: 'constant(null)',
    says: /orders.*cents.*null/is,
  },
  {
    what: 'a generator that throws',
    cents: `compute(({ row }) => { if (row === 7) throw new Error('no more cents'); return 1; })`,
    says: /orders.*cents.*row 7.*no more cents/s,
  },
])('$what', async ({ what, cents, says }) => {
  const file = await shopWith(what.replaceAll(' ', '-'), cents);
  const { exitCode, stderr } = await pgrehearse(['seed', file], cache);
  expect(stderr).toMatch(says);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).not.toContain('rows/s');
  expect(exitCode).toBe(2);
  expect((await readdir(join(cache, 'snapshots')).catch(() => [])).filter((name) => name !== 'locks')).toEqual([]);
});
