/** `pgrehearse http sessions`: the service of sessions with its Redis, which is killed under load. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { wrongAnswer, type RunResult } from '../../src/result.ts';
import { commandOf } from '../../src/server/processes.ts';
import { pgrehearse } from './command.ts';
import { temporaryFolder } from './postgres.ts';
import { hasProgram } from './programs.ts';

const available = await hasProgram('redis-server');
const why = available ? '' : ' (skipped: there is no redis-server on PATH)';

type Running = ReturnType<typeof pgrehearse>;

/** Resolves a few seconds into the load. @returns the process id of the Redis beside the service */
async function untilLoaded(running: Running): Promise<number> {
  let told = '';
  // Listened to until the end: whoever closes it kills the command.
  running.stderr!.on('data', (text: Buffer) => (told += text.toString()));
  await vi.waitFor(() => expect(told).toContain(': Drive '), { timeout: 90_000, interval: 50 });
  await sleep(3000);
  const children = await readFile(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8');
  const pids = children.trim().split(' ').map(Number);
  return pids.find((pid) => commandOf(pid)?.startsWith('redis-server') === true)!;
}

it.skipIf(!available)(
  `goes on without a Redis that is killed in mid-run, with right answers, and tells so${why}`,
  async () => {
    await using folder = await temporaryFolder();
    const out = join(folder.path, 'out');
    const load = ['--scale', '0.002', '--stages', 'redis', '--preset', 'none', '--rate', '50', '--duration', '8s'];
    const running = pgrehearse(['http', 'sessions', ...load, '--out', out], join(folder.path, 'cache'));
    process.kill(await untilLoaded(running), 'SIGKILL');
    const { exitCode } = await running;
    expect([3, 4]).toContain(exitCode);
    const result = JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as RunResult;
    expect(result.status).toBe('complete');
    expect(result.warnings).toContainEqual(
      expect.objectContaining({
        code: 'companion-ended',
        message: expect.stringContaining('redis-server (REDIS_URL)'),
      }),
    );
    const [{ counts, transactions, outcome }] = result.blocks as [RunResult['blocks'][number]];
    expect(outcome).toBe('complete');
    expect(transactions.flatMap(({ errors }) => Object.keys(errors))).not.toContain(wrongAnswer);
    expect(counts.succeeded).toBeGreaterThan(0.9 * counts.scheduled);
    const values = Object.fromEntries(result.readings!.map(({ name, value }) => [name, value]));
    for (const name of ['cache_hits', 'hits_user', 'pool_use', 'pool_efficiency']) {
      expect(values[name], name).toBeGreaterThan(0);
      expect(values[name], name).toBeLessThanOrEqual(1);
    }
    expect(values['miss_penalty']).toBeGreaterThan(0);
    expect(await readFile(join(out, 'report.md'), 'utf8')).toContain('Penalty of a miss');
  },
);
