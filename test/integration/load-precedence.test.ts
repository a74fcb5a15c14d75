import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const execute = promisify(execFile);
const module = new URL('../../src/load/precedence.ts', import.meta.url).href;

/** Lets a process of its own (and of a session of its own, for what it does to it is seen by all of the session) run a script. */
async function runAlone(script: string): Promise<unknown> {
  const node = [process.execPath, '--no-warnings', '--input-type=module', '--eval', script];
  const { stdout } = await execute('setsid', ['--wait', ...node]);
  return JSON.parse(stdout);
}

interface Scheduling {
  policy: string;
  niceness: number;
}

/** What a process is granted, and how its main thread and a thread started afterwards are scheduled. */
async function asked(workers: number, ratePerSecond: number): Promise<{ granted: unknown; threads: Scheduling[] }> {
  const script = `
    import { execFileSync } from 'node:child_process';
    import { readlinkSync } from 'node:fs';
    import { getPriority } from 'node:os';
    import { Worker } from 'node:worker_threads';
    const { askForPrecedence } = await import(${JSON.stringify(module)});
    const granted = askForPrecedence({ workers: ${workers}, ratePerSecond: ${ratePerSecond} });
    const thread = new Worker(
      "import { readlinkSync } from 'node:fs'; import { parentPort } from 'node:worker_threads';" +
      "parentPort.postMessage(readlinkSync('/proc/thread-self')); setTimeout(() => {}, 1e6);", { eval: true });
    const other = await new Promise((resolve) => thread.once('message', resolve));
    const scheduling = (path) => {
      const id = path.split('/').at(-1);
      const policy = execFileSync('chrt', ['--pid', id], { encoding: 'utf8' }).split('\\n')[0].split(': ')[1];
      return { policy, niceness: getPriority(Number(id)) };
    };
    console.log(JSON.stringify({ granted, threads: [readlinkSync('/proc/thread-self'), other].map(scheduling) }));
    process.exit();`;
  return (await runAlone(script)) as { granted: unknown; threads: Scheduling[] };
}

/** Niceness of the session before, while two loads want the weight, when one of them is over, and when both are. */
async function sessionDuring(ratePerSecond: number): Promise<unknown> {
  return runAlone(`
    import { readFileSync } from 'node:fs';
    const { holdSessionWeight } = await import(${JSON.stringify(module)});
    const seen = [];
    const look = () => void seen.push(Number(/nice (-?\\d+)/.exec(readFileSync('/proc/self/autogroup', 'utf8'))[1]));
    look();
    const order = { workers: 1, ratePerSecond: ${ratePerSecond} };
    const one = holdSessionWeight(order);
    {
      using two = holdSessionWeight(order);
      look();
    }
    look();
    one[Symbol.dispose]();
    look();
    console.log(JSON.stringify(seen));`);
}

/** Why the operating system grants it to nobody here; undefined where it does. */
function obstacle(): string | undefined {
  if (process.platform !== 'linux') return 'precedence is asked of Linux only';
  if (availableParallelism() < 2) return 'the only core is left to the server';
  try {
    execFileSync('chrt', ['--rr', '1', 'true'], { stdio: 'pipe' });
    execFileSync('setsid', ['--wait', 'true'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `precedence is not granted here: ${String(error).split('\n')[0]}`;
  }
}

const why = obstacle();
const twice = <T>(value: T): T[] => [value, value];

describe.skipIf(why !== undefined)(`askForPrecedence${why === undefined ? '' : ` (${why})`}`, () => {
  it('lets the thread that asks, and those that it starts later, run before all others', async () =>
    expect(await asked(1, 5000)).toEqual({
      granted: { realTime: true },
      threads: twice({ policy: 'SCHED_RR', niceness: 0 }),
    }));

  it('gives them more weight at rates at which that would only cost', async () =>
    expect(await asked(1, 5001)).toEqual({
      granted: { niceness: -8 },
      threads: twice({ policy: 'SCHED_OTHER', niceness: -8 }),
    }));

  it.each([1000, 100_000])('changes nothing at %i a second where no core would be left to the server', async (rate) =>
    expect(await asked(availableParallelism(), rate)).toEqual({
      granted: {},
      threads: twice({ policy: 'SCHED_OTHER', niceness: 0 }),
    }),
  );
});

const withoutSessions =
  why ?? (existsSync('/proc/self/autogroup') ? undefined : 'the scheduler knows no sessions here');
const told = withoutSessions === undefined ? '' : ` (${withoutSessions})`;

describe.skipIf(withoutSessions !== undefined)(`holdSessionWeight${told}`, () => {
  it('gives the session more weight until the last load that wants it is over', async () =>
    expect(await sessionDuring(60_000)).toEqual([0, -8, -8, 0]));

  it('leaves the session alone at rates of real time', async () =>
    expect(await sessionDuring(1000)).toEqual([0, 0, 0, 0]));
});
