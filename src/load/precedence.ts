/** How Linux schedules the threads that must be punctual: what it grants them. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, setPriority } from 'node:os';

/**
 * Above this rate of a worker punctuality is cheap, for it is awake most of the time, and real time costs: it then wakes for every single answer, and at
 * its peak carried out an eighth less with almost twice the processor time.
 */
const mostInRealTimePerSecond = 5000;

/** The lowest: it is enough to come before everything that has none. */
const priority = '1';

/**
 * Six times the weight of a process without one (sched(7)). The scheduler then moves backends of the server away from the core of the generator,
 * instead of letting them take turns on it while the other is idle. Single-row reads at the peak on two cores, beside pgbench without any: 0.70 as all others
 * are, 0.74 with -5, 0.85 to 0.92 from -7 to -9, 0.85 with -10, 0.72 with -12, when it wakes for every single answer again.
 */
const niceness = -8;

/** What was granted; nothing: the thread is as all others. */
export interface Precedence {
  /** It runs before all others. */
  realTime?: true;
  /** It has more weight than others. */
  niceness?: number;
}

/** What to ask for. */
export interface PrecedenceOrder {
  /** Threads that ask; as many as there are cores get nothing, for the server must not starve. */
  workers: number;
  /** Of all of them. */
  ratePerSecond: number;
}

function wanted({ workers, ratePerSecond }: PrecedenceOrder): Precedence {
  if (process.platform !== 'linux' || workers >= availableParallelism()) return {};
  return ratePerSecond > mostInRealTimePerSecond * workers ? { niceness } : { realTime: true };
}

/**
 * Asks Linux to let the calling thread, and threads that it starts from now on, run before all others (SCHED_RR, sched(7)), or at high rates to give it
 * more weight. The scheduler gives every session a share of its own (autogroups), and each PostgreSQL process is one: the generator of a busy
 * machine had to wait behind all of them, which on another machine it would not. The kernel keeps 5 % of each core for the rest.
 *
 * Needs root or CAP_SYS_NICE; for real time also `chrt` of util-linux, for Node has no call for it.
 *
 * @returns what was granted
 */
export function askForPrecedence(order: PrecedenceOrder): Precedence {
  const precedence = wanted(order);
  try {
    if (precedence.realTime === true)
      execFileSync('chrt', ['--rr', '--pid', priority, ownThreadId()], { stdio: 'ignore' });
    // Linux has a niceness for each thread.
    if (precedence.niceness !== undefined) setPriority(Number(ownThreadId()), precedence.niceness);
    return precedence;
  } catch {
    // Not allowed, or no such program: the lateness that results is measured and judged in any case.
    return {};
  }
}

const autogroup = '/proc/self/autogroup';
/** Loads under way that want the weight. */
let holders = 0;
/** Of the session, before this process gave it another; undefined where it gave none. */
let nicenessBefore: number | undefined;

/**
 * Where the scheduler knows sessions ("autogroup", sched(7)), the niceness of a thread counts only within its own: there the session of this process
 * gets the weight too, if the load wants it, until the last load that does is over.
 */
export function holdSessionWeight(order: PrecedenceOrder): Disposable {
  const stack = new DisposableStack();
  if (wanted(order).niceness === undefined) return stack;
  stack.defer(releaseSessionWeight);
  holders++;
  if (holders > 1) return stack;
  nicenessBefore = nicenessToReplace();
  if (nicenessBefore !== undefined) giveSession(niceness);
  // The shell of whoever started it belongs to the session.
  process.once('exit', restoreSession);
  return stack;
}

function releaseSessionWeight(): void {
  holders--;
  if (holders > 0) return;
  process.off('exit', restoreSession);
  restoreSession();
}

function restoreSession(): void {
  if (nicenessBefore !== undefined) giveSession(nicenessBefore);
}

/** Undefined where the kernel knows none, and where the weight is there already: another process of the session, which takes it back itself. */
function nicenessToReplace(): number | undefined {
  try {
    const found = Number(/nice (-?\d+)/.exec(readFileSync(autogroup, 'utf8'))?.[1]);
    return found > niceness ? found : undefined;
  } catch {
    return undefined;
  }
}

function giveSession(nice: number): void {
  try {
    writeFileSync(autogroup, `${nice}`);
  } catch {
    // Not allowed, or a kernel without sessions: as above.
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
