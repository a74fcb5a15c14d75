/** `trend` from the command line: series of stored results, their changes of level, and files that cannot be read. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeResult } from '../../src/result-file.ts';
import type { RunResult } from '../../src/result.ts';
import type { Trend } from '../../src/trend/series.ts';
import { comparedResult } from '../unit/comparison-fixture.ts';
import { judge } from '../../src/verdict.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let folder: string;

beforeAll(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
});
afterAll(() => temporary[Symbol.asyncDispose]());

async function stored(folders: string, text: string): Promise<void> {
  const path = join(folder, folders);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'result.json'), text);
}

/** A judged run of day `day`: 20 ms before a change, 26 ms after it, a little more or less. */
function run(day: number, change: (result: RunResult) => void = () => {}): RunResult {
  const result = comparedResult({ seed: day });
  result.id = `day-${day}`;
  result.startedAt = new Date(Date.UTC(2026, 9, day, 12)).toISOString();
  result.commit = { sha: `${String(day).padStart(2, '0')}c0ffee${'0'.repeat(32)}`, dirty: day === 3 };
  const { total, transactions } = result.blocks.at(-1)!;
  const scatter = 1 + ((day * 7) % 11) / 100;
  total.response.p95Us = Math.round((day > 10 ? 26_000 : 20_000) * scatter);
  for (const { name, response } of transactions)
    response.p95Us = Math.round((name === 'dashboard' ? 9000 : 4000) * scatter);
  if (day === 12) result.slo.limitMs = 60;
  change(result);
  result.verdict = judge(result);
  return result;
}

const trend = (...args: string[]) => pgrehearse(['trend', ...args], join(folder, 'cache'));

async function trendJson(...args: string[]): Promise<Trend> {
  return JSON.parse(String((await trend(...args, '--json')).stdout)) as Trend;
}

describe('trend', () => {
  beforeAll(async () => {
    // Written in another order than that of time.
    for (const day of [20, 3, 1, 2, ...Array.from({ length: 16 }, (_, index) => index + 4)]) {
      await stored(`runs/${day % 2 ? 'odd' : 'even'}/${day}`, encodeResult(run(day)));
    }
    await stored('runs/other-seed', encodeResult(run(21, (it) => void (it.seed!.seed = 7))));
    await stored('runs/search', encodeResult(run(22, (it) => void (it.capacity = []))));
    await stored('runs/broken/cut', encodeResult(run(23)).slice(0, 500));
    await stored('runs/broken/empty', '');
    await stored('runs/broken/newer', encodeResult(run(24, (it) => void (it.schemaVersion = 99))));
  });

  it('orders comparable runs by their start and finds where p95 changed', async () => {
    const { series, leftOut } = await trendJson(join(folder, 'runs'));
    expect(series.map(({ points }) => points.length)).toEqual([20, 1]);
    const [main, other] = series;
    expect(main!.points.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, index) => `day-${index + 1}`));
    expect(main!.points[2]).toMatchObject({ commit: { dirty: true }, outcome: 'pass', saturated: false });
    expect(main!.points.every(({ ratio }) => ratio! > 0.8 && ratio! < 1.25)).toBe(true);
    expect(main!.changes).toMatchObject([{ figure: 'p95', at: 10, last: 'day-10', first: 'day-11' }]);
    expect(main!.changes[0]!.factor).toBeCloseTo(1.3, 1);
    expect(other!.conditions).toContainEqual({ name: 'seed', value: '7' });
    expect(leftOut).toEqual(['day-22 is a search for capacity']);
  });

  it('follows one transaction', async () => {
    const { series } = await trendJson(join(folder, 'runs'), '--transaction', 'dashboard');
    expect(series[0]).toMatchObject({ transaction: 'dashboard', changes: [] });
    for (const { p95Us } of series[0]!.points) expect(p95Us).toBeLessThan(10_000);
  });

  it('tells what it could not read, and writes a table and a chart with the change', async () => {
    const out = join(folder, 'out');
    const { exitCode, stdout, stderr } = await trend(join(folder, 'runs'), '--out', out);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/left out: .*cut\/result\.json is not complete JSON \(500 characters\)/);
    expect(stderr).toMatch(/left out: .*empty\/result\.json is not complete JSON \(0 characters\)/);
    expect(stderr).toMatch(/left out: .*newer\/result\.json has schema version 99/);
    expect(stdout).toContain('20 runs, 1 change of level');
    expect(stdout).toMatch(/\| 2026-10-11 12:00 UTC +\| 11c0ffee00 .*\*\*p95 1\.\dx\*\*/);
    expect(stdout).toContain('03c0ffee00+');
    expect(await readFile(join(out, 'trend.md'), 'utf8')).toContain('(trend-1.svg)');
    const svg = await readFile(join(out, 'trend-1.svg'), 'utf8');
    expect(svg).toMatch(/>1\.\dx</);
    expect(svg).toContain('c0ffee00');
  });
});

describe('trend refuses', () => {
  it.each([
    { what: 'a folder that is not there', path: 'nowhere', make: undefined, says: 'could not be read' },
    { what: 'a folder without results', path: 'bare', make: 'bare/x', says: 'holds no result that can be read' },
    { what: 'a folder of broken results', path: 'wrecks', make: 'wrecks/x', says: 'is not complete JSON' },
  ])('$what', async ({ path, make, says }) => {
    if (make !== undefined && path === 'wrecks') await stored(make, '{');
    else if (make !== undefined) await mkdir(join(folder, make), { recursive: true });
    const { exitCode, stdout, stderr } = await trend(join(folder, path));
    expect(stderr).toContain(says);
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  });

  it('a transaction that no run has, and names those that there are', async () => {
    await stored('one', encodeResult(run(1)));
    const { exitCode, stderr } = await trend(join(folder, 'one'), '--transaction', 'dashbord');
    expect(stderr).toContain('No run has figures of a transaction dashbord');
    expect(stderr).toContain('dashboard');
    expect(exitCode).toBe(2);
  });
});
