/** Real-time scheduling of the threads that must be punctual, where the operating system grants it. */
import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * Above this rate of a worker punctuality is cheap, for it is awake most of the time, and costs: it then wakes for every single answer, and at its peak
 * carried out an eighth less with almost twice the processor time.
 */
const mostPerSecond = 5000;

/** The lowest: it is enough to come before everything that has none. */
const priority = '1';

/**
 * Asks Linux to let the calling thread, and threads that it starts from now on, run before all others (SCHED_RR, sched(7)). The scheduler gives every session a
 * share of its own (autogroups), and each PostgreSQL process is one: the generator of a busy machine had to wait behind all of them,
 * which on another machine it would not. The kernel keeps 5 % of each core for the rest.
 *
 * Needs root or CAP_SYS_NICE, and `chrt` of util-linux, for Node has no call for it.
 *
 * @param workers threads that ask; as many as there are cores get nothing, for the server must not starve
 * @param ratePerSecond of all of them
 * @returns whether it was granted
 */
export function askForRealTime({ workers, ratePerSecond }: { workers: number; ratePerSecond: number }): boolean {
  if (process.platform !== 'linux' || workers >= availableParallelism()) return false;
  if (ratePerSecond > mostPerSecond * workers) return false;
  try {
    const threadId = readlinkSync('/proc/thread-self').split('/').at(-1)!;
    execFileSync('chrt', ['--rr', '--pid', priority, threadId], { stdio: 'ignore' });
    return true;
  } catch {
    // Not allowed, or no such program: the lateness that results is measured and judged in any case.
    return false;
  }
}
