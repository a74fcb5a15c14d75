import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { EnvironmentError, ExitCode, UsageError } from '../../src/errors.ts';
import { decodeResult, encodeResult, readResult, writeResult } from '../../src/result-file.ts';
import type { runResultSchema } from '../../src/result-schema.ts';
import { schemaVersion } from '../../src/result.ts';
import type { RunResult } from '../../src/result.ts';
import { judge } from '../../src/verdict.ts';
import { buildResult, calmAfter } from './result-fixture.ts';

function judgedResult(): RunResult {
  const result = buildResult();
  result.verdict = judge(result);
  result.answers[0]!.example = { parameters: '{"user":"a|b"}', before: '[]', after: '["`<x>`"]' };
  result.invariants[0]!.violations = '[{"id":1}]';
  result.claims = [
    {
      text: 'fast',
      source: 'doc:1',
      stage: 'after',
      measure: { kind: 'heldRate' },
      atLeast: 200,
      outcome: 'met',
      measured: 1003,
    },
  ];
  result.blocks[0]!.transactions[0]!.errors['57014'] = {
    count: 3,
    example: 'canceling statement due to statement timeout',
  };
  return result;
}

function faultOf(run: () => unknown): UsageError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return error as UsageError;
  }
  throw new Error('Nothing was thrown.');
}

it('has a schema in step with the types, key by key and both ways', () => {
  // Checked by the compiler: a key that only one of them has does not compile.
  expectTypeOf<z.infer<typeof runResultSchema>>().toEqualTypeOf<RunResult>();
});

describe('encodeResult and decodeResult', () => {
  it.each([
    ['a judged run', judgedResult()],
    ['a run that has just begun', { ...buildResult([]), status: 'running' as const }],
    ['a run with one stage', buildResult([calmAfter])],
  ])('carry %s unchanged', (_, result) => {
    expect(decodeResult(encodeResult(result), 'x')).toEqual(result);
  });

  it('refuse a figure that JSON cannot hold', () => {
    const result = buildResult();
    result.blocks[0]!.longestGapMs = NaN;
    expect(() => encodeResult(result)).toThrow('The figure "longestGapMs" is NaN.');
  });

  it('drop keys that a later writer added', () => {
    const text = JSON.stringify({ ...buildResult(), novelty: 1 });
    expect(decodeResult(text, 'x')).toEqual(buildResult());
  });

  it('refuse a newer schema, whatever else is in it', () => {
    const fault = faultOf(() => decodeResult(JSON.stringify({ schemaVersion: schemaVersion + 1 }), 'old.json'));
    expect(fault.message).toBe(
      `old.json has schema version ${schemaVersion + 1}; this pgrehearse reads versions up to ${schemaVersion}.`,
    );
    expect(fault.exitCode).toBe(ExitCode.usage);
    expect(fault.hint).toMatch(/newer/);
  });

  it('tell all faults at once, each with its path', () => {
    const json = JSON.parse(encodeResult(buildResult()));
    json.blocks[1].counts.failed = -1;
    json.status = 'done';
    delete json.host.cores;
    const { message } = faultOf(() => decodeResult(JSON.stringify(json), 'x'));
    for (const path of ['blocks[1].counts.failed', 'status', 'host.cores']) expect(message).toContain(`at ${path}`);
  });

  it.each([
    ['nothing', ''],
    ['half of it', encodeResult(buildResult()).slice(0, 5000)],
    ['another text', 'name,p95\n'],
  ])('refuse %s as incomplete', (_, text) => {
    expect(faultOf(() => decodeResult(text, 'x')).message).toMatch(/^x is not complete JSON/);
  });

  it.each(['null', '[]', '{}', '"text"', '{"schemaVersion":"1"}'])('refuse %s as no result', (text) => {
    expect(faultOf(() => decodeResult(text, 'x')).message).toMatch(/is not a result of pgrehearse/);
  });
});

describe('writeResult and readResult', () => {
  it('write into a new folder, replace what is there, and leave nothing else', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-result-'));
    const path = join(folder.path, 'runs', '1');
    await writeResult(path, { ...buildResult(), status: 'running', blocks: [] });
    await writeResult(path, buildResult());
    expect(await readdir(path)).toEqual(['result.json']);
    expect(await readResult(path)).toEqual(buildResult());
    expect(await readResult(join(path, 'result.json'))).toEqual(buildResult());
  });

  it('keep the old result when the new one cannot be written', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-result-'));
    await writeResult(folder.path, buildResult());
    const before = await readFile(join(folder.path, 'result.json'), 'utf8');
    await expect(
      writeResult(folder.path, { ...buildResult(), id: 'x', slo: { percentile: NaN, limitMs: 1 } }),
    ).rejects.toThrow();
    expect(await readFile(join(folder.path, 'result.json'), 'utf8')).toBe(before);
  });

  it('tell where they could not write', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-result-'));
    // A folder of this name cannot be replaced by a file, whoever asks: permissions do not stop root.
    await mkdir(join(folder.path, 'result.json', 'occupied'), { recursive: true });
    const failure = writeResult(folder.path, buildResult());
    await expect(failure).rejects.toBeInstanceOf(EnvironmentError);
    await expect(failure).rejects.toThrow(/could not be written to .*result\.json/);
    expect(await readdir(folder.path)).toEqual(['result.json']);
  });

  it('tell what is missing or cut off', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-result-'));
    await expect(readResult(join(folder.path, 'none.json'))).rejects.toThrow(UsageError);
    await expect(readResult(folder.path)).rejects.toThrow(/result\.json could not be read: ENOENT/);
    await writeFile(join(folder.path, 'result.json'), encodeResult(buildResult()).slice(0, -20));
    await expect(readResult(folder.path)).rejects.toThrow(/is not complete JSON/);
  });
});
