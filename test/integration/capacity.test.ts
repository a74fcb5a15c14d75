/** The search for the capacity, from the command line, on a real server. */
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import { pgrehearse, shop } from './command.ts';

let folder: string;
let cache: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgrehearse-capacity-'));
  // The server's user must be able to enter it.
  await chmod(folder, 0o755);
  cache = join(folder, 'cache');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const runsLeft = () => readdir(join(cache, 'runs')).catch(() => []);

it('encloses what a stage holds, step by step, and says so', async () => {
  const out = join(folder, 'out');
  const flags = ['--stages', 'after', '--rate', '2000', '--step', '1s', '--out', out];
  const { exitCode, stdout } = await pgrehearse(['capacity', shop, ...flags], cache);
  const result = await readResult(out);
  const [after] = result.capacity!;
  expect(result.status).toBe('complete');
  expect(result.verdict!.exitCode).toBe(exitCode);
  expect([0, 1, 3]).toContain(exitCode);
  expect(after!.stage).toBe('after');
  expect(after!.steps[0]!.ratePerSecond).toBe(2000);
  expect(after!.heldPerSecond ?? 0).toBeLessThan(after!.missedPerSecond ?? Infinity);
  for (const { ratePerSecond, scheduled, missed, held, measuredMs, saturated } of after!.steps) {
    expect(held).toBe(!saturated && missed < scheduled * 0.05);
    if (!saturated) expect(scheduled / ratePerSecond).toBeCloseTo(measuredMs / 1000, 0);
  }
  expect(stdout).toContain('headroom over 2,000/s');
  expect(await readFile(join(out, 'report.md'), 'utf8')).toContain('(capacity.svg)');
  expect((await readdir(join(out, 'samples'))).length).toBe(after!.steps.length);
  expect(await runsLeft()).toEqual([]);
});

it('keeps the steps that are finished when it is interrupted, and leaves no clone', async () => {
  const out = join(folder, 'interrupted');
  const child = pgrehearse(['capacity', shop, '--stages', 'after', '--step', '1s', '--out', out], cache);
  child.stderr!.on('data', (text: Buffer) => {
    if (String(text).includes('Offer 200/s ...')) child.kill('SIGINT');
  });
  const { exitCode } = await child;
  expect(exitCode).toBe(130);
  const result = await readResult(out);
  expect(result.status).toBe('interrupted');
  expect(result.capacity![0]!.steps.map(({ ratePerSecond }) => ratePerSecond)).toEqual([100]);
  expect(await runsLeft()).toEqual([]);
});

it('refuses what cannot be before anything starts', async () => {
  const { exitCode, stderr } = await pgrehearse(['capacity', shop, '--workers', '9'], cache);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('4 connections cannot be divided among 9 workers');
});
