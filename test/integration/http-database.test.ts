/** `pgrehearse http` with a service and a database of ours for each stage. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/result.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';

const shop = 'test/fixtures/shop-http.ts';
let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let cache: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  cache = join(temporary.path, 'cache');
});
afterAll(() => temporary[Symbol.asyncDispose]());

async function load(name: string, ...flags: string[]) {
  const out = join(temporary.path, name);
  const { exitCode, stderr } = await pgrehearse(['http', shop, '--out', out, ...flags], cache);
  const result = JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as RunResult;
  return { exitCode, stderr, result, report: await readFile(join(out, 'report.md'), 'utf8') };
}

describe('a service in front of a database of ours', () => {
  it('finds the database of its stage, migrated, and leaves the rows that its requests made', async () => {
    const { exitCode, result, report } = await load('alone', '--preset', 'none');
    expect([3, 4]).toContain(exitCode);
    expect(result.stages.map(({ name, migrations }) => [name, migrations])).toEqual([
      ['before', '001'],
      ['after', '002'],
    ]);
    for (const { counts } of result.blocks) expect(counts.succeeded).toBe(counts.scheduled);
    expect(result.answers).toMatchObject([
      { transaction: 'customer_orders', stage: 'after', compared: 200, different: 0 },
    ]);
    expect(result.invariants.map(({ stage, when, holds }) => [stage, when, holds])).toEqual([
      ['before', 'seeded', true],
      ['before', 'loaded', true],
      ['after', 'seeded', true],
      ['after', 'loaded', true],
    ]);
    // Inserted by the service under load, warm-up included.
    const visits = result.evidence!.map(({ tables }) => tables.find(({ table }) => table === 'visits')!.inserted);
    const sent = result.blocks.map(({ transactions }) => transactions.find(({ name }) => name === 'visit')!.sent);
    expect(visits).toEqual(sent);
    expect(report).toContain('test/fixtures/shop-service.ts');
  });

  it('compares the first stage with the last in pairs of blocks, each side with a service of its own', async () => {
    const { result } = await load('pairs', '--pairs', '12', '--block', '1s');
    const { comparison, verdict } = result;
    expect(comparison!.pairs).toHaveLength(12 + 6);
    for (const { blocks } of comparison!.pairs) {
      expect(blocks.map(({ scheduled }) => scheduled)).toEqual([blocks[0]!.scheduled, blocks[0]!.scheduled]);
    }
    expect(verdict!.gates.map(({ name }) => name)).toContain('typical-p95');
  });
});
