/** `pgrehearse tune` on real servers: each comparison lands in the result, and the report tells what came of it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { planRun } from '../../src/plan.ts';
import { readResult } from '../../src/result-file.ts';
import { tune } from '../../src/tune/tune.ts';
import { pgrehearse, projectRoot, shop } from './command.ts';
import { temporaryFolder } from './postgres.ts';

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => (temporary = await temporaryFolder()));
afterAll(() => temporary[Symbol.asyncDispose]());

it('compares the whole profile with none of it, then without each group', async () => {
  const plan = await planRun({
    scenario: shop,
    folder: projectRoot,
    config: { cacheDir: join(temporary.path, 'cache') },
    profile: 'tuned',
    load: { ratePerSecond: 50, warmupMs: 0 },
    // Too few pairs to prove anything, so that no comparison ends the tuning early.
    comparison: { preset: 'quick', pairs: 1, blockMs: 1000 },
    out: join(temporary.path, 'tuned'),
  });
  const notes: string[] = [];
  const onEvent = (event: { type: string; text?: string }) => void (event.type === 'note' && notes.push(event.text!));
  await tune(plan, ['work_mem'], { onEvent });
  expect(notes[0]).toMatch(/1 group of its settings \(work_mem\).*up to 2 comparisons of 14 s, 28 s of load at most/);
  const result = await readResult(plan.outDir);
  expect(result.status).toBe('complete');
  expect(result.verdict).toBeUndefined();
  const [whole, group] = result.tuning!.steps;
  expect(whole).toMatchObject({ kind: 'profile', outcome: 'inconclusive' });
  expect(whole!.dropped).toContain('shared_buffers');
  expect(group).toMatchObject({ kind: 'group', name: 'work_mem', dropped: ['work_mem'], outcome: 'inconclusive' });
  const page = await readFile(join(plan.outDir, 'report.md'), 'utf8');
  expect(page).toContain('Not decided, so kept: work_mem. The minimal profile: shared_buffers, ');
});

it('names the groups that there are', async () => {
  const { exitCode, stderr } = await pgrehearse(['tune', shop, '--groups', 'memory'], join(temporary.path, 'cache'));
  expect(stderr).toContain('has no group of settings "memory"');
  expect(stderr).toContain('Known: shared_buffers, effective_cache_size, work_mem, maintenance, planner costs,');
  expect(exitCode).toBe(2);
});
