/** `gate` from the command line: one exit code for each outcome, on results that need no server. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeResult } from '../../src/result-file.ts';
import type { RunResult } from '../../src/result.ts';
import { comparedResult } from '../unit/comparison-fixture.ts';
import { buildResult } from '../unit/result-fixture.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let folder: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
});
afterAll(() => temporary[Symbol.asyncDispose]());

async function stored(name: string, text: string): Promise<string> {
  await mkdir(join(folder, name));
  const path = join(folder, name, 'result.json');
  await writeFile(path, text);
  return path;
}

const gate = (path: string, ...flags: string[]) => pgrehearse(['gate', path, ...flags], join(folder, 'cache'));

/** A sound result, changed. */
function changed(change: (result: RunResult) => void, from = comparedResult()): RunResult {
  change(from);
  return from;
}

describe('gate', () => {
  it.each([
    { what: 'stages that do not differ', result: comparedResult(), code: 0, says: 'PASS' },
    { what: 'a proved regression', result: comparedResult({ change: 1.5 }), code: 1, says: 'a regression is proved' },
    { what: 'missing evidence', result: comparedResult({ change: 1.1 }), code: 3, says: 'not decided' },
    { what: 'a host that is not known', result: changed((it) => void (it.host.cores = 0)), code: 4, says: 'INVALID' },
    {
      what: 'differing answers',
      result: changed((it) => void (it.answers[0]!.different = 3)),
      code: 6,
      says: 'answers differently',
    },
    {
      what: 'a scenario whose transactions did not run',
      result: changed((it) => {
        for (const block of it.blocks) for (const own of block.transactions) own.counts.scheduled = 0;
      }),
      code: 4,
      says: 'INVALID',
    },
    { what: 'no block at all', result: changed((it) => void (it.blocks = [])), code: 3, says: 'not measured' },
  ])('exits with $code for $what', async ({ what, result, code, says }) => {
    const path = await stored(what.replaceAll(' ', '-'), encodeResult(result));
    const { exitCode, stdout } = await gate(path);
    expect(stdout).toContain(says);
    expect(exitCode).toBe(code);
    expect(await readFile(path, 'utf8')).toBe(encodeResult(result));
  });

  it.each([
    ['a truncated result', encodeResult(buildResult()).slice(0, 2000), 'not complete JSON'],
    ['an empty file', '', 'not complete JSON'],
    [
      'a newer schema',
      encodeResult(buildResult()).replace('"schemaVersion": 1', '"schemaVersion": 99'),
      'schema version 99',
    ],
    ['another JSON', '{"a":1}', 'no schemaVersion'],
  ])('refuses %s with exit code 2', async (name, text, says) => {
    const { exitCode, stderr } = await gate(await stored(name.replaceAll(' ', '-'), text));
    expect(stderr).toContain(says);
    expect(exitCode).toBe(2);
  });

  it.each([
    [['--slo', 'p95>50ms'], 'p95<50ms'],
    [['--max-regression', '0.1'], '10%'],
    [['--max-wrok', '5%'], 'unknown option'],
    [['--on-inconclusive', 'ignore'], 'Allowed choices'],
  ])('refuses %j before it reads anything', async (flags, says) => {
    const { exitCode, stderr } = await gate(join(folder, 'nowhere'), ...flags);
    expect(stderr).toContain(says);
    expect(exitCode).toBe(2);
  });

  it('exits with 5 when what was asked for cannot be written', async () => {
    const path = await stored('unwritable', encodeResult(comparedResult()));
    const { exitCode, stderr } = await gate(path, '--junit', '/dev/null/gates.xml');
    expect(stderr).toContain('could not be written');
    expect(exitCode).toBe(5);
  });

  it('judges by other thresholds', async () => {
    const path = await stored('thresholds', encodeResult(comparedResult({ change: 1.5 })));
    expect((await gate(path, '--max-regression', '100%')).exitCode).toBe(0);
    const open = await stored('open', encodeResult(comparedResult({ change: 1.1 })));
    const warned = await gate(open, '--on-inconclusive', 'warn');
    expect([warned.exitCode, warned.stderr]).toEqual([0, expect.stringContaining('Nothing was proved')]);
  });

  it('says that another limit needs the raw samples', async () => {
    const path = await stored('samples', encodeResult(comparedResult()));
    const { exitCode, stderr } = await gate(path, '--slo', 'p95<10ms');
    expect(stderr).toContain('cannot be read');
    expect(exitCode).toBe(2);
  });

  it('writes JUnit, comment, summary and annotations', async () => {
    const path = await stored('outputs', encodeResult(comparedResult({ change: 1.5 })));
    const [junit, comment, summary] = ['gates.xml', 'comment.md', 'summary.md'].map((name) =>
      join(folder, 'out', name),
    );
    const { stdout } = await pgrehearse(
      ['gate', path, '--junit', junit!, '--comment', comment!, '--github'],
      join(folder, 'cache'),
      { env: { GITHUB_STEP_SUMMARY: summary!, NO_COLOR: '1' } },
    );
    expect(stdout).toMatch(/^::error title=pgrehearse .*::p95 of "after"/m);
    expect(await readFile(junit!, 'utf8')).toContain('<failure');
    expect(await readFile(comment!, 'utf8')).toContain('❌ Fail');
    expect(await readFile(summary!, 'utf8')).toContain('## Before and after in pairs');
  });
});
