import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readResult } from '../../src/result-file.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';

const pooledShop = 'test/fixtures/pooled-shop.ts';

it('drives a stage with a pool of its own, whatever the flag says, and records it', async () => {
  await using temporary = await temporaryFolder();
  const out = join(temporary.path, 'out');
  const flags = ['--preset', 'none', '--duration', '1s', '--connections', '3', '--out', out];
  await pgrehearse(['run', pooledShop, ...flags], join(temporary.path, 'cache'));
  const { stages, readings, load, blocks } = await readResult(out);
  expect(load.connections).toBe(3);
  expect(stages.map(({ connections }) => connections)).toEqual([3, 9]);
  // Counted by the server in the midst of the load.
  expect(readings!.map(({ stage, value }) => [stage, value])).toEqual([
    ['before', 3],
    ['pool', 9],
  ]);
  expect(stages.map(({ pool }) => pool)).toEqual([undefined, { connectionTimeoutMs: 2000 }]);
  expect(blocks.map(({ pool }) => [pool!.max, pool!.min, pool!.wait.count])).toEqual([
    [3, 3, blocks[0]!.counts.scheduled],
    [9, 9, blocks[1]!.counts.scheduled],
  ]);
  const report = await readFile(join(out, 'report.md'), 'utf8');
  expect(report).toMatch(/\| pool \| A larger pool \| 001 \| stock \| 9 \|/);
  expect(report).toMatch(/\| pool \| 9 \| .*\|\n\npool: 2 s to get one; statements end after 5 s\./);
});

it('refuses more workers than the smallest pool has connections', async () => {
  await using temporary = await temporaryFolder();
  const { exitCode, stderr } = await pgrehearse(['run', pooledShop, '--workers', '5'], join(temporary.path, 'cache'));
  expect(exitCode).toBe(2);
  expect(stderr).toContain('4 connections cannot be divided among 5 workers');
});
