/** What the traffic felt of single statements, as long as their locks were kept. Pure. */
import { completionsOf, longestGapMs, type LiveSamples } from './impact.ts';
import type { LockLook } from './lock-watch.ts';
import { queueOf } from './queue-figures.ts';
import type { LiveStatement } from './record.ts';

/** A file in one transaction ends with a COMMIT, or with the statement that failed; of any other each statement is by itself. */
export function endOfTransaction(statements: readonly LiveStatement[], at: number): number {
  const own = statements[at]!;
  const others = statements.findIndex(({ migration }, later) => later > at && migration !== own.migration);
  const last = statements
    .slice(at, others === -1 ? undefined : others)
    .find(({ text, error }) => text === 'COMMIT' || error !== undefined);
  return last?.endMs ?? own.endMs;
}

/** The statements with what was felt from the start of each to the end of its transaction. */
export function withFelt(
  statements: readonly LiveStatement[],
  live: LiveSamples,
  looks: readonly LockLook[],
  inLoad: (instant: number) => number,
): LiveStatement[] {
  const completions = completionsOf(live);
  return statements.map((statement, at) => {
    const [fromMs, toMs] = [statement.startMs, endOfTransaction(statements, at)];
    const during = looks.filter(({ atMs }) => inLoad(atMs) >= fromMs && inLoad(atMs) <= toMs);
    const stallMs = longestGapMs(completions, fromMs, toMs);
    return { ...statement, felt: { stallMs, blockedMs: queueOf(during).blockedMs } };
  });
}
