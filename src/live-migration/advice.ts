/** What to change about a migration, from what was seen of it. Pure. */
import type { Finding, LiveMigration, LiveRepeat, LiveStatement } from './record.ts';

export interface MigrationAdvice {
  statement: LiveStatement;
  /** What was seen, and what helps. */
  advice: string;
}

/** Less than this is not worth a word. */
const worthMs = 100;

/** SQLSTATE of statements whose tables or columns are no longer those that they were made for: class 42, and a cached plan that must not change its result type. */
const broken = /^(42|0A000)/;

/**
 * Whether the measurement bears a finding out: in some repeat its statement failed, or it took its time, up to the end of its
 * transaction, which keeps its locks; or it broke statements that ran.
 */
export function isConfirmed({ file, line, breaksStatements }: Finding, { repeats }: LiveMigration): boolean {
  return repeats.some((repeat) => {
    const found = repeat.statements.flatMap((one, at) => (one.file === file && one.line === line ? at : []));
    if (
      found.length > 0 &&
      breaksStatements === true &&
      Object.keys(repeat.impact.errors).some((code) => broken.test(code))
    ) {
      return true;
    }
    return found.some((at) => {
      const own = repeat.statements[at]!;
      return own.error !== undefined || endOfTransaction(repeat.statements, at) - own.startMs >= worthMs;
    });
  });
}

/** A file in one transaction ends with a COMMIT, or with the statement that failed; of any other each statement is by itself. */
function endOfTransaction(statements: readonly LiveStatement[], at: number): number {
  const own = statements[at]!;
  const others = statements.findIndex(({ migration }, later) => later > at && migration !== own.migration);
  const last = statements
    .slice(at, others === -1 ? undefined : others)
    .find(({ text, error }) => text === 'COMMIT' || error !== undefined);
  return last?.endMs ?? own.endMs;
}

const lockAdvice = 'Set a short lock_timeout and try again, so that nobody queues behind it.';

/** The statement of a file that took the longest, if any took its time, in the repeat with the longest stall. */
export function slowestStatement({ repeats }: LiveMigration): LiveStatement | undefined {
  const worst = worstOf(repeats);
  return worst && slowStatements(worst).find(({ file }) => file !== '');
}

/** The repeat with the longest stall. */
export function worstOf(repeats: readonly LiveRepeat[]): LiveRepeat | undefined {
  return repeats.toSorted((a, b) => b.impact.longestStallMs - a.impact.longestStallMs)[0];
}

/** Advice for the statements that took their time, the worst first. */
export function adviceFor({ repeats, lockWait, findings }: LiveMigration): MigrationAdvice[] {
  const worst = worstOf(repeats);
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
