/** What to change about a migration, from what was seen of it. Pure. */
import type { LiveMigration, LiveRepeat, LiveStatement } from './record.ts';

export interface MigrationAdvice {
  statement: LiveStatement;
  /** What was seen, and what helps. */
  advice: string;
}

/** Less than this is not worth a word. */
const worthMs = 100;

interface Rule {
  applies: (text: string) => boolean;
  advice: string;
}

/** By the statement itself: the first that applies. */
const rules: Rule[] = [
  {
    applies: (text) => /^CREATE\s+(UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY)/i.test(text),
    advice: 'CREATE INDEX CONCURRENTLY keeps writers going, in a file of its own.',
  },
  {
    applies: (text) => /^DROP\s+INDEX\s+(?!CONCURRENTLY)/i.test(text),
    advice: 'DROP INDEX CONCURRENTLY waits without a queue.',
  },
  {
    applies: (text) => /\bSET\s+NOT\s+NULL\b/i.test(text),
    advice:
      'Add CHECK (column IS NOT NULL) NOT VALID, VALIDATE it, then SET NOT NULL: it takes the proof and scans nothing.',
  },
  {
    applies: (text) => /\bADD\b.*\b(CHECK|FOREIGN\s+KEY|REFERENCES)\b/i.test(text) && !/NOT\s+VALID/i.test(text),
    advice: 'Add the constraint NOT VALID and VALIDATE it in a transaction of its own.',
  },
  {
    applies: (text) => /\bALTER\s+COLUMN\b.*\bTYPE\b/i.test(text),
    advice: 'A new type rewrites the table: add a column, copy in batches, then swap.',
  },
  {
    applies: (text) => /\bADD\s+COLUMN\b.*\bDEFAULT\b.*\(\s*\)/i.test(text),
    advice: 'A volatile default rewrites the table: add the column without it, set the default, fill in batches.',
  },
  {
    applies: (text) => /^(UPDATE|DELETE|WITH)\b/i.test(text),
    advice: 'Change the rows in batches with a commit after each, outside of a transaction.',
  },
];

const lockAdvice = 'Set a short lock_timeout and try again, so that nobody queues behind it.';

/** Advice for the statements that took their time, the worst first. */
export function adviceFor({ repeats, lockWait }: LiveMigration): MigrationAdvice[] {
  const worst = repeats.toSorted((a, b) => b.impact.longestStallMs - a.impact.longestStallMs)[0];
  if (worst === undefined) return [];
  return slowStatements(worst).flatMap((statement) => {
    const waited = statement.waitedMs >= worthMs && lockWait === undefined;
    const advice = waited ? lockAdvice : rules.find(({ applies }) => applies(statement.text))?.advice;
    return advice === undefined ? [] : [{ statement, advice }];
  });
}

function slowStatements({ statements }: LiveRepeat): LiveStatement[] {
  return statements
    .filter(({ startMs, endMs }) => endMs - startMs >= worthMs)
    .sort((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs));
}
