/** `calibrate --combine` from the command line, on stored results. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readResult, writeResult } from '../../src/result-file.ts';
import type { CalibrationRound } from '../../src/result.ts';
import { buildResult } from '../unit/result-fixture.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
const path = (name: string) => join(temporary.path, name);

const round = (startedAt: string): CalibrationRound => ({
  stage: 'after',
  startedAt,
  outcome: 'pass',
  reason: 'p95 of "after" is that of "after".',
  pairs: 30,
  discarded: 0,
  deviation: 0.1,
  naiveRatio: 1,
  falseTransactions: [],
});

beforeAll(async () => {
  temporary = await temporaryFolder();
  const parts = {
    morning: ['2026-11-21T04:00:00.000Z'],
    evening: ['2026-11-21T19:00:00.000Z', '2026-11-21T19:05:00.000Z'],
  };
  for (const [id, starts] of Object.entries(parts)) {
    await writeResult(path(id), { ...buildResult(), id, startedAt: starts[0]!, calibration: starts.map(round) });
  }
});
afterAll(() => temporary[Symbol.asyncDispose]());

const combine = (...args: string[]) => pgrehearse(['calibrate', '--combine', ...args], path('cache'));

test('calibrations in parts are told as one, and kept where it is asked', async () => {
  const { exitCode, stdout, stderr } = await combine(path('evening'), path('morning'), '--out', path('both'));
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toContain('3 comparisons of "after" with itself: 0 false alarms');
  expect(stdout).toContain(join('both', 'report.md'));
  const kept = await readResult(path('both'));
  expect(kept.calibration).toHaveLength(3);
  expect(kept.command).toContain('calibrate --combine');
});

test('what cannot be combined or read is wrong use', async () => {
  const { exitCode, stdout, stderr } = await combine(path('morning'), path('morning'));
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toContain('morning is given more than once');
  const absent = await combine(path('nowhere'), path('neither'));
  expect(absent.exitCode).toBe(2);
  expect(absent.stderr).toMatch(/nowhere[^]*neither/);
});
