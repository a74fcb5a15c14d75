/** What to change about a migration, from what was seen of it. Pure. */
import type { Finding, LiveMigration, LiveRepeat, LiveStatement } from './record.ts';

export interface MigrationAdvice {
  statement: LiveStatement;
  /** What was seen, and what helps. */
  advice: string;
}

/** Less than this is not worth a word. */
const worthMs = 100;

/** Whether the measurement bears a finding out: in some repeat its statement took its time, or failed. */
export function isConfirmed({ file, line }: Finding, { repeats }: LiveMigration): boolean {
  const own = repeats.flatMap(({ statements }) => statements.filter((one) => one.file === file && one.line === line));
  return own.some(({ startMs, endMs, error }) => error !== undefined || endMs - startMs >= worthMs);
}

const lockAdvice = 'Set a short lock_timeout and try again, so that nobody queues behind it.';

/** Advice for the statements that took their time, the worst first. */
export function adviceFor({ repeats, lockWait, findings }: LiveMigration): MigrationAdvice[] {
  const worst = repeats.toSorted((a, b) => b.impact.longestStallMs - a.impact.longestStallMs)[0];
  if (worst === undefined) return [];
  return slowStatements(worst).flatMap((statement) => {
    // What waits CONCURRENTLY has no queue behind it.
    const queues = !/\bCONCURRENTLY\b/i.test(statement.text);
    const waited = statement.waitedMs >= worthMs && queues && lockWait === undefined;
    if (waited) return [{ statement, advice: lockAdvice }];
    return findings
      .filter(({ file, line }) => file === statement.file && line === statement.line)
      .map(({ advice }) => ({ statement, advice }));
  });
}

function slowStatements({ statements }: LiveRepeat): LiveStatement[] {
  return statements
    .filter(({ startMs, endMs }) => endMs - startMs >= worthMs)
    .sort((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs));
}
