/**
 * What PostgreSQL itself counted while a stage was under load: a part of the RunResult. Differences of two snapshots of its statistics
 * views, and a profile of what sessions waited for.
 *
 * Units stand in the names, as in result.ts.
 */

/** Access to one table: pg_stat_user_tables. */
export interface TableAccess {
  table: string;
  seqScans: number;
  /** Rows that sequential scans read. */
  seqRows: number;
  indexScans: number;
  inserted: number;
  updated: number;
  /** Updates that needed no new index entries (heap-only tuples). */
  hotUpdated: number;
  deleted: number;
  autovacuums: number;
  /** At the end of the load. */
  deadRows: number;
  /** Of its bytes, from 0 to 1 (pgstattuple_approx); absent for small tables, where nobody can tell, and in older results. */
  freeShare?: number;
  deadShare?: number;
}

/** Use of one index: pg_stat_user_indexes. */
export interface IndexUse {
  table: string;
  index: string;
  scans: number;
  /** Entries that the scans returned. */
  entriesRead: number;
  bytes: number;
  /** It serves a constraint: unused does not mean useless. */
  constraint: boolean;
  /** Another index of the table begins with the same columns in the same way. */
  coveredBy?: string;
  /** How full its leaf pages are, from 0 to 1 (pgstatindex); absent as above, and for what is large or no B-tree. */
  leafDensity?: number;
}

/** What sessions of the load were doing when they were looked at: pg_stat_activity, ten times a second. */
export interface WaitShare {
  /** "Lock: transactionid"; "running" for sessions that waited for nothing. */
  event: string;
  /** Sessions seen so, over all looks. */
  seen: number;
  /** The same by how long their statement had run: less than 1, 2, 4, ... ms, and in the last place all others. Absent in older results. */
  seenByAge?: number[];
}

/** Sessions of the load that waited for a lock which another session had, or was before them in the queue for: pg_blocking_pids. */
export interface BlockedShare {
  /** "transaction.statement" of the load. */
  blocked: string;
  /** The same, or what kind of session it is: "autovacuum worker". */
  blocker: string;
  /** Pairs of sessions seen so, over all looks. */
  seen: number;
}

/** Work of the server's own while a stage was under load, as far as it was seen. */
export interface ServerActivity {
  /** "checkpoint", "autovacuum: VACUUM public.events". */
  what: string;
  startedAt: string;
  /** From the first to the last look that saw it. */
  durationMs: number;
}

/** I/O by who asked for it: pg_stat_io. */
export interface ActorIo {
  actor: string;
  reads: number;
  writes: number;
  extends: number;
  fsyncs: number;
}

/** What pg_stat_statements counts: sums over all calls. */
export interface StatementWork {
  calls: number;
  /** Buffers hit or read. */
  blocks: number;
  /** Read or written. */
  tempBlocks: number;
  walRecords: number;
  walBytes: number;
  rows: number;
  executionMs: number;
}

/** What the server did for one transaction: the sums of its statements. */
export interface TransactionCost extends StatementWork {
  transaction: string;
  /** Times that the transaction was carried out. */
  runs: number;
}

/** One node of a plan. */
export interface PlanStep {
  /** 0 at the top. */
  depth: number;
  /** "Index Scan", "Hash Join", "Nested Loop (left)". */
  node: string;
  relation?: string;
  index?: string;
  /** What finds the rows or joins them; else what sorts them out. */
  condition?: string;
  /** That the planner expects, whatever the parameters are. */
  rows: number;
}

/** How the server carries out one statement: its generic plan after the load. */
export interface StatementSteps {
  transaction: string;
  statement: string;
  steps: PlanStep[];
  /** What the server counted of it, for all who send it in these words; absent where nothing counts, and in older results. */
  counted?: { calls: number; rows: number; executionMs: number };
}

/** One node of a plan as it was carried out: means over the executions. */
export interface MeasuredStep extends PlanStep {
  /** That came out of it in each of its loops, where `rows` were expected. */
  actualRows: number;
  /** Times that it was carried out in one execution of the statement; 0 for what was never needed. */
  loops: number;
  /** Buffers hit or read, by the nodes below it too. */
  blocks: number;
}

/** A plan that the server made for parameters which it knew. */
export interface MeasuredPlan {
  /** So many of the executions had it. */
  executions: number;
  /** Of the parameters; absent where the transaction has no classes. */
  classes?: string[];
  steps: MeasuredStep[];
}

/** A read carried out after the load, alone, with parameters as the load draws them: EXPLAIN ANALYZE. */
export interface MeasuredStatement {
  transaction: string;
  statement: string;
  /** Distinct ones, the most frequent first. */
  plans: MeasuredPlan[];
}

/**
 * How the server planned a prepared statement while it was under load: anew for the parameters of each call, or once for all
 * (pg_prepared_statements). Sums over the connections.
 */
export interface PlanChoice {
  transaction: string;
  statement: string;
  custom: number;
  generic: number;
}

/**
 * What an index costs a statement that writes to its table: the same writes, carried out after the load with the index and without it.
 * Negative where the statement itself is quicker with it.
 */
export interface IndexPrice {
  index: string;
  /** Statements that were compared. */
  writes: number;
  /** Mean, without full-page images. */
  walBytes: number;
  /** Median. */
  executionUs: number;
}

/** One stage alone under its load. */
export interface StageEvidence {
  stage: string;
  tables: TableAccess[];
  indexes: IndexUse[];
  waits: { looks: number; shares: WaitShare[] };
  /** Absent in older results. */
  blocked?: BlockedShare[];
  /** Absent in older results. */
  activities?: ServerActivity[];
  database: { blocksHit: number; blocksRead: number; tempFiles: number; tempBytes: number; deadlocks: number };
  wal: { records: number; fullPageImages: number; bytes: number };
  /** Absent before PostgreSQL 16. */
  io?: ActorIo[];
  /** What the load's transactions cost; absent where nothing counts statements, and in older results. */
  costs?: TransactionCost[];
  /** Absent in older results. */
  plans?: StatementSteps[];
  /** Absent where nothing was read, and in older results. */
  measured?: MeasuredStatement[];
  /** Of indexes that the first stage does not have; absent where there are none that can be told, and in older results. */
  indexPrices?: IndexPrice[];
  /** Those that became others when statistics were taken anew after the load. Absent where none can be taken, and in older results. */
  flipped?: StatementSteps[];
  /** What this version of PostgreSQL does not tell. */
  gaps: string[];
}

/** How far a replica was behind its primary, by looks ten times a second: what lies between two of them is not seen. */
export interface ReplicaLag {
  looks: number;
  /** Age of what the replica showed. */
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
  /** WAL that was still to be replayed, at most. */
  maxBytes: number;
}
