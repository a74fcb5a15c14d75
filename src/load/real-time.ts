/** How Linux schedules the threads that must be punctual: what it grants them. */
import { execFileSync } from 'node:child_process';
import { readlinkSync, writeFileSync } from 'node:fs';
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
    execFileSync('chrt', ['--rr', '--pid', priority, ownThreadId()], { stdio: 'ignore' });
    return true;
  } catch {
    // Not allowed, or no such program: the lateness that results is measured and judged in any case.
    return false;
  }
}

/**
 * Asks Linux to wake this thread on time: by default the kernel may be 50 microseconds late ("timer slack", prctl(2)), which was
 * half of the lateness. Elsewhere, or where /proc is read-only, the default stays.
 */
export function refuseTimerSlack(): void {
  try {
    writeFileSync(`/proc/${ownThreadId()}/timerslack_ns`, '1');
  } catch {
    // Not Linux, or not allowed: the lateness that results is measured and reported in any case.
  }
}

/** Of the calling thread, as the kernel counts it; throws where there is no /proc. */
function ownThreadId(): string {
  return readlinkSync('/proc/thread-self').split('/').at(-1)!;
}
