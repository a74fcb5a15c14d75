/** What to change about a migration, from what was seen of it. Pure. */
import { endOfTransaction } from './felt.ts';
import type { Finding, LiveMigration, LiveRepeat, LiveStatement } from './record.ts';

export interface MigrationAdvice {
  statement: LiveStatement;
  /** What was seen, and what helps. */
  advice: string;
}

/** Less than this is not worth a word. */
const worthMs = 100;

/**
 * SQLSTATE of statements whose tables or columns are no longer those that they were made for: class 42, a cached plan that must not change its
 * result type, and a value that is missing for a column which they do not know.
 */
const broken = /^(42|0A000|23502)/;

/** What the measurement made of a finding. */
export interface Measured {
  confirmed: boolean;
  /** Its longest stall of all repeats; one as short as those before the migration is none. Undefined in older results. */
  stallMs?: number;
  /** Client sessions blocked behind it, added up, in the repeat with the most. */
  blockedMs: number;
}

/**
 * Whether the measurement bears a finding out: in some repeat its statement failed; or it stalled the clients or blocked their sessions, up to
 * the end of its transaction, which keeps its locks; or it broke statements that ran.
 *
 * @returns undefined for what no load can bear out
 */
export function measuredOf(finding: Finding, { repeats }: LiveMigration): Measured | undefined {
  if (finding.unmeasured === true) return undefined;
  const all = repeats.flatMap((repeat) => measuredIn(finding, repeat));
  const stalls = all.flatMap(({ stallMs }) => stallMs ?? []);
  return {
    confirmed: all.some(({ confirmed }) => confirmed),
    ...(stalls.length === 0 ? {} : { stallMs: Math.max(...stalls) }),
    blockedMs: Math.max(0, ...all.map(({ blockedMs }) => blockedMs)),
  };
}

/** As measuredOf; what no load can bear out is not confirmed. */
export function isConfirmed(finding: Finding, live: LiveMigration): boolean {
  return measuredOf(finding, live)?.confirmed === true;
}

/** Of each statement at the line of the finding, and of each attempt at it. */
function measuredIn({ file, line, breaksStatements }: Finding, { statements, impact }: LiveRepeat): Measured[] {
  const broke = breaksStatements === true && Object.keys(impact.errors).some((code) => broken.test(code));
  return statements.flatMap((own, at) => {
    if (own.file !== file || own.line !== line) return [];
    const failed = own.error !== undefined || broke;
    // Results from before the stall of each statement was kept: the time that it took.
    const tookMs = endOfTransaction(statements, at) - own.startMs;
    if (own.felt === undefined) return [{ confirmed: failed || tookMs >= worthMs, blockedMs: 0 }];
    const { stallMs: gapMs, blockedMs } = own.felt;
    const stallMs = gapMs > impact.usualStallMs ? gapMs : 0;
    return [{ confirmed: failed || stallMs >= worthMs || blockedMs >= worthMs, stallMs, blockedMs }];
  });
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
    const known = findings.filter(({ file, line }) => file === statement.file && line === statement.line);
    const ours = known.filter(({ by }) => by === undefined);
    // Who else warns says the same in other words.
    const telling = ours.length > 0 ? ours : known.filter(({ advice, unmeasured }) => advice !== '' && !unmeasured);
    return telling.map(({ advice }) => ({ statement, advice }));
  });
}

function slowStatements({ statements }: LiveRepeat): LiveStatement[] {
  return statements
    .filter(({ startMs, endMs }) => endMs - startMs >= worthMs)
    .sort((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs));
}
