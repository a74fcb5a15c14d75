import { execFile, execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const execute = promisify(execFile);
const module = new URL('../../src/load/real-time.ts', import.meta.url).href;

/** What a process of its own is granted, and the policy of its main thread and of a thread started afterwards. */
async function asked(workers: number, ratePerSecond: number): Promise<{ granted: boolean; policies: string[] }> {
  const script = `
    import { execFileSync } from 'node:child_process';
    import { readlinkSync } from 'node:fs';
    import { Worker } from 'node:worker_threads';
    const { askForRealTime } = await import(${JSON.stringify(module)});
    const granted = askForRealTime({ workers: ${workers}, ratePerSecond: ${ratePerSecond} });
    const thread = new Worker(
      "import { readlinkSync } from 'node:fs'; import { parentPort } from 'node:worker_threads';" +
      "parentPort.postMessage(readlinkSync('/proc/thread-self')); setTimeout(() => {}, 1e6);", { eval: true });
    const other = await new Promise((resolve) => thread.once('message', resolve));
    const policy = (path) => execFileSync('chrt', ['--pid', path.split('/').at(-1)], { encoding: 'utf8' }).split('\\n')[0].split(': ')[1];
    console.log(JSON.stringify({ granted, policies: [policy(readlinkSync('/proc/thread-self')), policy(other)] }));
    process.exit();`;
  const { stdout } = await execute(process.execPath, ['--no-warnings', '--input-type=module', '--eval', script]);
  return JSON.parse(stdout) as { granted: boolean; policies: string[] };
}

/** Why the operating system grants it to nobody here; undefined where it does. */
function obstacle(): string | undefined {
  if (process.platform !== 'linux') return 'real-time scheduling is asked of Linux only';
  if (availableParallelism() < 2) return 'the only core is left to the server';
  try {
    execFileSync('chrt', ['--rr', '1', 'true'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `real-time scheduling is not granted here: ${String(error).split('\n')[0]}`;
  }
}

const why = obstacle();

describe.skipIf(why !== undefined)(`askForRealTime${why === undefined ? '' : ` (${why})`}`, () => {
  it('lets the thread that asks, and those that it starts later, run before all others', async () =>
    expect(await asked(1, 5000)).toEqual({ granted: true, policies: ['SCHED_RR', 'SCHED_RR'] }));

  it.each([
    ['where that would leave no core to the server', availableParallelism(), 1000],
    ['at rates at which it would only cost', 1, 5001],
  ])('changes nothing %s', async (_, workers, ratePerSecond) =>
    expect(await asked(workers, ratePerSecond)).toEqual({ granted: false, policies: ['SCHED_OTHER', 'SCHED_OTHER'] }),
  );
});
