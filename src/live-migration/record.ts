/**
 * What a migration did to the traffic while it ran: a part of the RunResult.
 *
 * Units stand in the names, as in result.ts. Instants are milliseconds from the first counted arrival of the load.
 */

import type { BudgetSpec } from '../scenario.ts';

/** Others who hold locks that a migration may have to wait for. */
export const adversaries = ['reader', 'writer', 'copy', 'autovacuum'] as const;
export type Adversary = (typeof adversaries)[number];

/** What was judged. */
export interface Budgets extends Omit<BudgetSpec, 'maxReplicaLagMs'> {
  /** Absent in results from before replicas were watched. */
  maxReplicaLagMs?: number;
}

/** A tenth of a second of the load. */
export interface LiveBucket {
  /** By the instant at which they were due. */
  scheduled: number;
  /** Slowest of those that were due; what did not finish counts with its age. */
  worstMs: number;
  /** By the instant at which they ended. */
  completed: number;
  failed: number;
}

/** A lock that the migration had on a table or index, and how long it was seen. */
export interface HeldLock {
  relation: string;
  mode: string;
  heldMs: number;
}

/** One statement of the migration, or its COMMIT. */
export interface LiveStatement {
  migration: string;
  file: string;
  line: number;
  text: string;
  startMs: number;
  endMs: number;
  /** Of which it waited for locks, as sampled. */
  waitedMs: number;
  /** When it did; absent in older results. */
  waits?: { fromMs: number; toMs: number }[];
  /** Who it waited for: what these sessions were, in words. */
  blockers: string[];
  /** From its start to the end of its transaction, which keeps its locks: the longest stall, and client sessions blocked. Absent in older results. */
  felt?: { stallMs: number; blockedMs: number };
  error?: string;
}

/** What the server itself shows of a migration. */
export interface ServerEvidence {
  /** Tables and indexes whose files were written anew. */
  rewritten: string[];
  /** Tables that were read from end to end, by the migration or after it, though the load before had done so with none of them. */
  readWhole: { table: string; bytes: number }[];
  /** Tables with a thousand dead rows more than when it began; what VACUUM took away meanwhile is not counted. */
  deadRows: { table: string; before: number; after: number }[];
  /** Statements of the load whose generic plan is another one; without `after`: it cannot be planned any more. */
  plans: { transaction: string; statement: string; before: string; after?: string }[];
  /** Write-ahead log in bytes a second: of the load alone, and at most between two looks while the migration ran. */
  wal: { usualPerSecond: number; mostPerSecond: number };
  /** Database, write-ahead log and temporary files: when it began, and at most since. Absent where the role may not see them. */
  disk?: { beforeBytes: number; mostBytes: number };
  /** The slowest replica, at most since it began; absent where there is none. */
  replica?: { mostMs: number; mostBytes: number };
}

/** The migration once, on a clone of its own. */
export interface LiveRepeat {
  startedAt: string;
  /** Who held locks on its tables; absent where nobody did, and in older results. */
  adversary?: Adversary;
  migrationStartMs: number;
  migrationEndMs: number;
  endMs: number;
  outcome: 'applied' | 'failed';
  error?: string;
  /** Attempts that a lock timeout ended, before the one that came through. */
  retries: number;
  statements: LiveStatement[];
  locks: HeldLock[];
  /** From the start of the migration to the end of the recovery. */
  impact: {
    longestStallMs: number;
    /** The same before the migration: what is usual. */
    usualStallMs: number;
    /** The same of reads and of writes by themselves, where the load has both; absent in older results. */
    stalls?: { access: 'read' | 'write'; longestMs: number; usualMs: number }[];
    /** Transactions slower than the limit of the SLO, and by how much, added up. */
    pastLimit: number;
    lostMs: number;
    worstMs: number;
    failed: number;
    /** By SQLSTATE or driver code. */
    errors: Record<string, number>;
    /** From the end of the migration until p95 of a second was below the limit again; absent if it never was. */
    recoveryMs?: number;
  };
  /** Client sessions that waited behind the migration: the most at a time, and their time added up. */
  queue: { most: number; blockedMs: number };
  walBytes: number;
  /** Absent in older results. */
  server?: ServerEvidence;
  invalidIndexes: string[];
  unvalidatedConstraints: string[];
  buckets: LiveBucket[];
  generatorLatenessP99Us: number;
  samplesFile: string;
  /** Of the way back, where it came to its end; absent in older results. */
  roundTrip?: RoundTrip;
  /** Where the statements of the later stage took over: after this version. */
  takeOver?: { version: string; atMs: number; samplesFile: string };
}

/** What is at stake with a table. */
export interface Exposure {
  table: string;
  /** At the scale of the rehearsal; absent for tables that the seed does not fill. */
  rows?: number;
  /** Of the load's transactions, those with a statement that names it. */
  share: number;
}

/** What came of applying a migration again after it had been taken back. Lines of schemas as text: what is missing, what is too much. */
export interface RoundTrip {
  /** Of the schema from before the migration, after the way back. */
  notRestored: string[];
  /** Of the schema that the migration had made, after it was applied again. */
  differs: string[];
  /** Why it could not be. */
  error?: string;
}

/** A statement that is known to hurt, before anything ran. */
export interface Finding {
  file: string;
  line: number;
  /** What is known of such statements. */
  rule: string;
  advice: string;
  /** It may break statements that run already, however short it is. */
  breaksStatements?: true;
  /** Who warns; absent: a rule of our own. */
  by?: 'squawk';
  /** Name of the rule, where it is not ours. */
  name?: string;
  /** Absent where its statement names no table that is known, and in older results. */
  exposure?: Exposure;
  /** No load can bear it out: a matter of taste, or of what no client feels. */
  unmeasured?: true;
}

/** Whether squawk was asked: its version, or in a sentence why not. */
export type SquawkUse = { version: string } | { absent: string };

/**
 * How a migration is ended by force: `runner` kills the process that runs it, `session` ends its session
 * (pg_terminate_backend), `backend` kills the server process of its session, after which the server recovers as from a crash.
 */
export const killKinds = ['runner', 'session', 'backend'] as const;
export type KillKind = (typeof killKinds)[number];

/** The migration on a quiet clone, ended by force at a seeded point and then mended as its own messages advise. */
export interface KillPoint {
  kind: KillKind;
  /** The statement that had begun, and the time into it. */
  migration: string;
  file: string;
  line: number;
  text: string;
  afterMs: number;
  /** False when the migration had ended before the blow fell. */
  hit: boolean;
  /** What was there when nobody migrated any more, in words: files half-applied, invalid indexes. */
  left: string[];
  recovery: 'run again' | 'taken back and run again' | 'failed';
  /** From the blow to the end of the recovery, the server's own included. */
  recoveryMs: number;
  /** Where schema, bookkeeping and indexes differ from a migration that nobody disturbed, in words. */
  faults: string[];
  /** The same of rows and invariants. */
  dataFaults: string[];
}

/** The migration and a transaction of the load waited for each other. */
export interface Deadlock {
  /** Of the interleaving: it gives the same pauses and arrivals again. */
  seed: number;
  /** Whom the server ended. */
  victim: 'migration' | 'load';
  /** The statements of both as they waited. */
  migration: string;
  other: string;
}

/** An estimate of how long a migration takes with other rows, on a quiet clock. */
export interface Projection {
  migration: string;
  /** The table whose rows it is about, and how many there shall be. */
  table: string;
  rows: number;
  /** What was measured, at several sizes. */
  runs: { rows: number; durationMs: number }[];
  /** Of the power law that was fitted: 1 is twice the time for twice the rows. */
  exponent: number;
  estimateMs: number;
  /** 90 % interval for one run, by the scatter of the runs alone. */
  lowMs: number;
  highMs: number;
}

/** What the traffic felt of a change: of each figure the worst of all repeats. */
export interface FeltChange {
  repeats: number;
  /** In every repeat. */
  applied: boolean;
  migrationMs: number;
  longestStallMs: number;
  usualStallMs: number;
  /** Where the load reads and writes. */
  readStallMs?: number;
  writeStallMs?: number;
  failed: number;
  /** SQLSTATEs and codes of the driver. */
  errors: string[];
  blockedMs: number;
  pastLimit: number;
  retries: number;
}

/** The migrations between two stages of a ladder, rehearsed by a run of its own. */
export interface RehearsedStep extends FeltChange {
  from: string;
  to: string;
  /** Of the rehearsal. */
  startedAt: string;
  ratePerSecond: number;
  scale: number;
}

/** A migration rehearsed inside of the load. */
export interface LiveMigration {
  from: string;
  to: string;
  /** Who held locks on its tables; `each`: the repeats differ by it. */
  adversary?: Adversary | 'each';
  budgets: Budgets;
  lockWait?: { timeoutMs: number; attempts: number; pauseMs: number };
  /** By the text of the migrations alone. */
  findings: Finding[];
  /** Absent where a command of the user's migrates, and in older results. */
  squawk?: SquawkUse;
  /** Duration of each migration on a quiet clock, when the snapshot of the stage was made. */
  quietMs: Record<string, number>;
  repeats: LiveRepeat[];
  /** The way back of each repeat, under the same load; absent if it was not asked for. */
  downs?: LiveRepeat[];
  /** Absent if none were asked for. */
  killPoints?: KillPoint[];
  /** Absent if none were asked for. */
  projections?: Projection[];
  /** Absent if none were asked for: seeds from `first`, so many tried so far. */
  interleavings?: { first: number; tried: number; deadlocks: Deadlock[] };
}
