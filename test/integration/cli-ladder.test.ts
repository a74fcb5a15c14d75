/** A scenario of several stages from the command line: which of them run, and that no migration is applied twice. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => void (folder = await temporaryFolder()));
afterAll(() => folder[Symbol.asyncDispose]());

async function run(name: string, ...flags: string[]) {
  const out = join(folder.path, name);
  const { stdout } = await pgrehearse(
    ['run', 'test/fixtures/ladder-shop.ts', '--preset', 'none', '--out', out, ...flags],
    join(folder.path, 'cache'),
  );
  return {
    stdout: String(stdout),
    result: await readResult(out),
    report: await readFile(join(out, 'report.md'), 'utf8'),
  };
}

describe('a ladder of stages', () => {
  it('runs every stage on request, each grown from the one before, and tells them in one table', async () => {
    const { stdout, result, report } = await run('all', '--stages', 'all');
    expect(result.blocks.map(({ stage }) => stage)).toEqual(['before', 'note', 'tuned', 'after']);
    const versions = result.stages.map(({ applied }) => applied.map(({ version }) => version));
    expect(versions).toEqual([[], ['002'], ['002'], ['002', '003']]);
    const migrated = result.phases.filter(({ name }) => name === 'migrate');
    expect(migrated.map(({ stage, detail }) => [stage, detail])).toEqual([
      ['note', '1 migration'],
      ['after', '1 migration'],
    ]);
    expect(result.stages[2]!.cached).toBe(true);
    expect(result.stages[3]!.applied[0]).toEqual(result.stages[1]!.applied[0]);
    expect(report).toContain('## Stage by stage');
    expect(report).toContain('latency-by-stage.svg');
    expect(stdout).toMatch(/^Stage +migrated +held/m);
  });

  it('runs the first and the last by default, as the ladder left them in the cache', async () => {
    const { result, report } = await run('ends');
    expect(result.stages.map(({ name, cached }) => [name, cached])).toEqual([
      ['before', true],
      ['after', true],
    ]);
    expect(result.stages[1]!.applied.map(({ version }) => version)).toEqual(['002', '003']);
    expect(report).not.toContain('## Stage by stage');
  });
});
