/** `compare` from the command line, on stored results: what it refuses, what it tells, and that it never judges. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeResult } from '../../src/result-file.ts';
import { schemaVersion, type RunResult } from '../../src/result.ts';
import { buildResult, calmAfter } from '../unit/result-fixture.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let folder: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
  await stored('a', encodeResult(buildResult()));
});
afterAll(() => temporary[Symbol.asyncDispose]());

async function stored(name: string, text: string): Promise<string> {
  const path = join(folder, name.replaceAll(/\W/g, '-'));
  await mkdir(path);
  await writeFile(join(path, 'result.json'), text);
  return path;
}

function changed(change: (result: RunResult) => void): string {
  const result = buildResult();
  change(result);
  return encodeResult(result);
}

const compare = (...args: string[]) => pgrehearse(['compare', ...args], join(folder, 'cache'));

describe('compare', () => {
  it('lays two runs side by side and judges nothing', async () => {
    const slower = await stored(
      'slower',
      changed((it) => {
        const { total, transactions } = it.blocks.at(-1)!;
        for (const { response } of [total, ...transactions]) response.p95Us *= 2;
        it.commit = { sha: 'e2ec5c2b1aa0', dirty: true };
      }),
    );
    const { exitCode, stdout, stderr } = await compare(join(folder, 'a'), join(slower, 'result.json'));
    expect(stderr).toBe('');
    expect(stdout).toContain('commit e2ec5c2b1a+');
    expect(stdout).toMatch(/## after\n\nHeld rate .* and .*; size 7\.41 GiB and 7\.41 GiB \(1x\)\./);
    expect(stdout).toMatch(/\*\*all transactions\*\* .* 2x \|/);
    expect(stdout).toMatch(/\| dashboard .* 2x \|/);
    expect(stdout).toContain('nothing passes or fails');
    expect(exitCode).toBe(0);
  });

  it('compares service times where a stage was saturated', async () => {
    const { stdout } = await compare(join(folder, 'a'), join(folder, 'a'), '--json');
    const { stages, obstacles } = JSON.parse(String(stdout)) as {
      obstacles: string[];
      stages: { stage: string; time: string; transactions: { a: object; b: object }[] }[];
    };
    expect(obstacles).toEqual([]);
    expect(stages.map(({ stage, time }) => [stage, time])).toEqual([
      ['before', 'service'],
      ['after', 'response'],
    ]);
    for (const { transactions } of stages) {
      expect(transactions).toHaveLength(10);
      for (const { a, b } of transactions) expect(a).toEqual(b);
    }
  });

  it('tells all reasons why two runs cannot be compared, and repeats them with --anyway', async () => {
    const other = await stored(
      'other',
      changed((it) => {
        it.scenario.name = 'sessions';
        it.scenario.transactions[0]!.weight = 1;
        it.seed!.seed = 7;
        it.seed!.scale = 0.1;
        it.load.ratePerSecond = 200;
        it.slo.limitMs = 20;
        it.server.major = 17;
        it.host.cores = 4;
        it.host.memoryBytes *= 2;
        it.status = 'interrupted';
      }),
    );
    const reasons = [
      'is a run that is interrupted, not complete',
      'scenario: webhooks against sessions',
      'transactions: ',
      'seed: 42 against 7',
      'scale: 1 against 0.1',
      'load: 1,000/s poisson',
      'SLO: p95 below 50 ms against p95 below 20 ms',
      'PostgreSQL: 18 against 17',
      'CPU: 2 x AMD EPYC 7B13 (x64) against 4 x',
      'memory: 8 GiB against 16 GiB',
    ];
    const refused = await compare(join(folder, 'a'), other);
    for (const reason of reasons) expect(refused.stderr).toContain(reason);
    expect(refused.stdout).toBe('');
    expect(refused.exitCode).toBe(2);

    const out = join(folder, 'out');
    const insisted = await compare(join(folder, 'a'), other, '--anyway', '--out', out);
    expect(insisted.stdout).toContain('These runs cannot be compared');
    expect(insisted.stdout).toContain('- seed: 42 against 7');
    expect(await readFile(join(out, 'compare.md'), 'utf8')).toBe(`${String(insisted.stdout)}\n`);
    expect(insisted.exitCode).toBe(0);
  });

  it.each([
    {
      what: 'a search for capacity',
      text: () => changed((it) => void (it.capacity = [])),
      says: 'is a search for capacity',
    },
    { what: 'a probe', text: () => changed((it) => void (it.probe = [])), says: 'is a probe without load' },
    {
      what: 'stages of other names',
      text: () => encodeResult(buildResult([{ ...calmAfter, stage: 'elsewhere' }])),
      says: 'No stage was measured by both runs',
    },
    {
      what: 'truncated JSON',
      text: () => encodeResult(buildResult()).slice(0, 4000),
      says: 'is not complete JSON (4000 characters)',
    },
    { what: 'an empty file', text: () => '', says: 'is not complete JSON (0 characters)' },
    {
      what: 'a newer schema',
      text: () => changed((it) => void (it.schemaVersion += 1)),
      says: `reads versions up to ${schemaVersion}`,
    },
  ])('refuses $what', async ({ what, text, says }) => {
    const path = await stored(what, text());
    const { exitCode, stderr, stdout } = await compare(join(folder, 'a'), path);
    expect(stderr).toContain(says);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  });

  it('tells the faults of both files at once', async () => {
    const { exitCode, stderr } = await compare(await stored('cut', '{'), await stored('void', ''));
    expect(stderr).toContain('cut/result.json is not complete JSON');
    expect(stderr).toContain('void/result.json is not complete JSON');
    expect(exitCode).toBe(2);
  });

  it('refuses a folder without a result.json', async () => {
    const { exitCode, stderr } = await compare(join(folder, 'a'), folder);
    expect(stderr).toContain('could not be read');
    expect(exitCode).toBe(2);
  });
});
