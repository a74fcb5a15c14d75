/**
 * The shapes that people write: workload, transactions, stages, scenario.
 *
 * Everything here is data and plain functions. A scenario module is imported on the main thread and again in every worker
 * thread, so its functions must depend on their arguments only.
 */
import type { HttpSpec } from './http/spec.ts';
import type { MigrationFormatName } from './migrate/formats/format.ts';
import type { SeedSpec } from './seed/define.ts';

/**
 * Draws the parameters of one arrival. The same arrival draws the same values in every stage (common random numbers),
 * whatever the number of workers: the generator is seeded by (seed, block, arrival number).
 */
export interface Draw {
  /** Number of this arrival, counted over the whole run: unique, so that new keys can be derived from it. */
  readonly index: number;
  /** The instant that the statement should take for "now": the seed's as-of instant plus the arrival's due time. */
  readonly now: Date;
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform integer in [from, to], both ends included. */
  int(from: number, to: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One of the items, each equally likely. */
  pick<T>(items: readonly T[]): T;
  /** One of the values, in proportion to its weight. */
  weighted<T>(choices: readonly (readonly [value: T, weight: number])[]): T;
  /** Rank in [0, count) by a Zipf law with this exponent: rank 0 is the most frequent. */
  zipf(count: number, exponent: number): number;
  /** A version 4 UUID. */
  uuid(): string;
  /** Lower-case hexadecimal digits of this many bytes. */
  hex(bytes: number): string;
  /** Number of seeded rows of a table at the present scale. */
  rows(table: string): number;
  /** The seeded value of one cell, computed from (seed, table, row), no look-up: how parameters name rows that exist. */
  cell(table: string, column: string, row: number): unknown;
}

export type Row = Record<string, unknown>;

/** What a transaction may do with its connection. */
export interface TransactionClient<Statement extends string = string> {
  /**
   * Runs one of the transaction's statements and returns its rows.
   * @throws DatabaseError of `pg` with the server's SQLSTATE in `code`.
   */
  query<R extends Row = Row>(statement: Statement, values?: readonly unknown[]): Promise<R[]>;
}

/** Levels that PostgreSQL tells apart. */
export const isolationLevels = ['read committed', 'repeatable read', 'serializable'] as const;
export type IsolationLevel = (typeof isolationLevels)[number];

/** How a transaction is carried out: what a stage may rewrite. */
export interface TransactionBody<Params = any, Statement extends string = string> {
  /** SQL text by statement name. Parameters only as $1, $2, ...; "now" is a parameter too. */
  statements: Record<Statement, string>;
  /**
   * One unit of work from the client's side. What it returns is the answer: for reads it is compared between stages.
   */
  run(client: TransactionClient<Statement>, params: Params): Promise<unknown>;
  /** Wrap the statements in BEGIN and COMMIT. Default: each statement commits by itself. */
  atomic?: boolean;
  /** Isolation level of an atomic transaction. Default: the server's, `read committed` unless a profile says otherwise. */
  isolation?: IsolationLevel;
}

/** A named, weighted unit of work. */
export interface TransactionSpec<Params = any, Statement extends string = string> extends TransactionBody<
  Params,
  Statement
> {
  /** One line for reports. */
  description: string;
  /** Share of arrivals, relative to the sum of all weights. */
  weight: number;
  /** Reads are compared between stages; writes are covered by invariants. */
  access: 'read' | 'write';
  /** Draws the parameters of one arrival. Must depend on `draw` only. */
  params(draw: Draw): Params;
  /** Class of a parameter set ("hot", "rest"): latencies are also reported by class. */
  classify?(params: NoInfer<Params>): string;
  /** Rows of the answer may come in any order: compare as sets. */
  anyOrder?: boolean;
  /** A read that must see what its user wrote just before: it stays on the primary where a stage has a replica. */
  readsOwnWrites?: boolean;
}

/** A query that finds violations: it must return no row, after seeding and after load, in every stage named. */
export interface InvariantSpec {
  description: string;
  /** Returns one row for each violation (a LIMIT is welcome). */
  sql: string;
  /** Stages in which it can be asked; default all. */
  stages?: readonly string[];
}

export const readingUnits = ['ms', 's', 'rows', 'bytes', 'share', 'count'] as const;

/** A figure of the database that is worth knowing after the load: how old a view is, how many dead rows there are. */
export interface ReadingSpec {
  /** Names the figure in reports. */
  description: string;
  /** Returns one row with one number. */
  sql: string;
  unit: (typeof readingUnits)[number];
  /** Stages in which it can be asked; default all. */
  stages?: readonly string[];
}

/** A schema (migrations), a seed, transactions and invariants. */
export interface WorkloadSpec {
  name: string;
  /**
   * Folder with NNN_name.up.sql and NNN_name.down.sql, or with those of another tool; a relative path counts from the folder of
   * the nearest package.json above the scenario file.
   */
  migrations: string;
  /** The tool whose layout the folder has. Default: found by its files. */
  migrationsFormat?: MigrationFormatName;
  /** Version of the migration after which the seed is loaded: the baseline schema. */
  baseline: string;
  seed: SeedSpec;
  transactions: Record<string, TransactionSpec>;
  invariants?: Record<string, InvariantSpec>;
  /** Taken in every stage right after its load. */
  readings?: Record<string, ReadingSpec>;
}

/** PostgreSQL settings by name, as postgresql.conf spells them. */
export type Settings = Record<string, string | number | boolean>;

/** Maintenance that runs beside the load, on a connection of its own. */
export interface JobSpec {
  /** One line for reports. */
  description: string;
  /** Due at `firstMs` after the start of the load, warm-up included, and then every so often. A run never overlaps the one before. */
  everyMs: number;
  /** Default: `everyMs`. */
  firstMs?: number;
  /** One after the other, each in a transaction of its own: VACUUM and REFRESH ... CONCURRENTLY work. */
  statements: readonly string[];
  /** Of each statement. Default: a minute. */
  timeoutMs?: number;
}

/** What stands beside and before the server of a stage; embedded and installed servers only. */
export interface TopologySpec {
  /** A streaming replica on the same machine, which carries out the reads. */
  replica?: ReplicaSpec;
  /** PgBouncer in transaction mode, through which all transactions go. */
  pooler?: PoolerSpec;
}

export interface ReplicaSpec {
  /** PostgreSQL settings on top of its primary's. */
  settings?: Settings;
}

export interface PoolerSpec {
  /** Connections to each server (PgBouncer's default_pool_size). Default 20, as PgBouncer's. */
  poolSize?: number;
  /** A transaction that waits so long for one of them fails (query_wait_timeout). Default two minutes, as PgBouncer's. */
  queryWaitTimeoutMs?: number;
  /** One that was not used for so long is closed (server_idle_timeout). Default ten minutes, as PgBouncer's. */
  serverIdleTimeoutMs?: number;
  /**
   * Named statements that each connection to a server keeps (max_prepared_statements), from PgBouncer 1.21 on; 0 and older versions have
   * none, so that statements are parsed whenever they are sent. Default 200.
   */
  maxPreparedStatements?: number;
}

/** A named state of the system under test. */
export interface StageSpec {
  name: string;
  /** One line for reports. */
  description: string;
  /** Version up to which migrations are applied. */
  migrations: string;
  /** Size of the client's pool in this stage, whatever the load says: for a change that is about the pool. Default: the load's. */
  connections?: number;
  /** The client's pool in this stage, in place of what the load says of it. */
  pool?: StagePoolSpec;
  /** Default: the server alone. */
  topology?: TopologySpec;
  /** Folder of this stage's migrations, where it is not the workload's. The baseline must be the same in both. */
  migrationsFolder?: string;
  /** `stock`, `tuned`, a profile of the config file, or the path of a postgresql.conf, which counts as `migrations` does. */
  profile: string;
  /** Settings on top of the profile. */
  settings?: Settings;
  /**
   * Version of a migration after which this stage's statements take the place of the first stage's while `pgrehearse rehearse` migrates:
   * after what expands the schema, before what contracts it. Default: the first stage's statements go on to the end.
   */
  takesOver?: string;
  /** Transactions that this stage carries out differently. */
  rewrites?: Record<string, TransactionBody>;
  /** Transactions whose answers may differ from the first stage, each with the reason. They are not compared. */
  answersDiffer?: Record<string, string>;
  /** Run beside the load of `pgrehearse run`; not in the short blocks of pairs. */
  jobs?: Record<string, JobSpec>;
}

/** A point of a changing rate: straight lines lead from point to point, and two points at the same instant are a step. */
export interface RatePoint {
  /** Share of the measured time that has passed, from 0 to 1. */
  at: number;
  /** Relative to the other points: 1 and 3 say the same as 0.5 and 1.5. */
  rate: number;
}

/** How the client's pool grows, shrinks and gives up. */
export interface PoolSpec {
  /** Connections that are opened before the load and are not closed for being idle. Default: all. Others are opened when they are needed. */
  min?: number;
  /** A connection beyond `min` that was not used for so long is closed. Default: none is. */
  idleTimeoutMs?: number;
  /**
   * An arrival that waits for a connection so long fails, and so does opening one that takes so long. Default: arrivals wait for as long as
   * it takes.
   */
  connectionTimeoutMs?: number;
}

/** The same for one stage, with what else it may have of its own. */
export interface StagePoolSpec extends PoolSpec {
  /** Most connections. Default: the load's `connections`. */
  max?: number;
  /** Default: the load's. */
  statementTimeoutMs?: number;
}

/** The load that every stage gets. */
export interface LoadSpec {
  /** Transactions a second offered, whatever the server does (open loop). */
  ratePerSecond: number;
  arrivals: 'poisson' | 'constant';
  /**
   * Ramps and steps of the rate while `run` measures a stage; `ratePerSecond` is then the mean, and that of the warm-up. Pairs of
   * blocks, the search for capacity and rehearsals of a migration get an even rate. Default: even.
   */
  shape?: readonly RatePoint[];
  /** Measured time of a stage. */
  durationMs: number;
  /** Load before the measured time, at the same rate, not counted. */
  warmupMs: number;
  /** Connections of the client's pool. */
  connections: number;
  /** Statements that take longer are cancelled by the server and counted as timed out. */
  statementTimeoutMs: number;
  /**
   * Statements are named and stay prepared on their connection. False: each is parsed whenever it is sent, as it has to be behind a
   * pooler that hands out a connection for one transaction only. Default true.
   */
  prepared?: boolean;
  /** No core is halted while it idles under the load (docs/method.md); takes root on Linux. Default false. */
  keepCoresAwake?: boolean;
  /** Default: all connections are opened before the load and stay. */
  pool?: PoolSpec;
}

/** Service level objective: the given percentile of response times stays below the limit. */
export interface SloSpec {
  /** 95 means p95: fewer than 5 % of transactions may miss the limit. */
  percentile: number;
  limitMs: number;
}

/** How much worse than the first stage the last may be. */
export interface GateSpec {
  /** p95 of the response time may grow by this share: 0.1 is 10 %. What is less than a millisecond is never too much. */
  maxRegression: number;
  /** Work of the server for a transaction (blocks, WAL records, temporary blocks) may grow by this share. Default: shown, not judged. */
  maxWork?: number;
}

/** What a claim is held against. */
export type ClaimMeasure =
  | {
      kind: 'latency';
      /** Default: all together. */
      transaction?: string;
      statistic: 'mean' | 'p50' | 'p95' | 'p99' | 'max';
      time: 'response' | 'service';
      /** Parameter class, where the promise is about one. */
      class?: string;
    }
  /** One transaction at a time, without load: held against `pgrehearse probe`, and left out of a run. */
  | { kind: 'probe'; transaction: string; statistic: 'p50' | 'max'; class?: string }
  | { kind: 'heldRate' }
  /** Transactions that the statement timeout ended. */
  | { kind: 'timeouts' }
  | { kind: 'databaseBytes' }
  | { kind: 'rows'; table: string }
  | { kind: 'relationBytes'; table: string; part: 'heap' | 'indexes' | 'total' }
  /** A reading of the workload, with its unit. */
  | { kind: 'reading'; reading: string; unit: ReadingSpec['unit'] }
  /** Nothing here can measure it: it is listed with the reason. */
  | { kind: 'none'; reason: string };

/** A figure that somebody promised for a stage. */
export interface ClaimSpec {
  /** What was promised, in words. */
  text: string;
  /** Where: document and line. */
  source: string;
  stage: string;
  measure: ClaimMeasure;
  /** Promised range in ms, transactions a second, bytes, rows, or the unit of the reading. */
  atLeast?: number;
  atMost?: number;
}

/** Workload + stages + load + SLO + claims. */
export interface ScenarioSpec {
  name: string;
  title: string;
  description: string;
  workload: WorkloadSpec;
  /** In order: the first is "before", the last is "after". */
  stages: readonly StageSpec[];
  load?: Partial<LoadSpec>;
  slo?: Partial<SloSpec>;
  gate?: Partial<GateSpec>;
  budgets?: Partial<BudgetSpec>;
  claims?: readonly ClaimSpec[];
  /** The service in front of the database, for `pgrehearse http`. */
  http?: HttpSpec;
}

/** What the traffic may feel of a migration (`pgrehearse rehearse`), judged on the worst repeat. */
export interface BudgetSpec {
  /** Longest time without a completed transaction. */
  maxStallMs: number;
  /** Time that client sessions spent blocked behind the migration, added up. */
  maxBlockedMs: number;
  /** Transactions that failed, were timed out or never ended because of it. */
  maxFailed: number;
  /** Longest time that it held a lock which keeps readers or writers out (as sampled, every 20 ms). */
  maxLockHoldMs: number;
  /** Invalid indexes and constraints that were left unvalidated. */
  maxInvalidObjects: number;
  /** How far a replica may fall behind; judged where there is one. */
  maxReplicaLagMs: number;
}

/** What a scenario gets where it does not say otherwise. */
export const defaultLoad: LoadSpec = {
  ratePerSecond: 1000,
  arrivals: 'poisson',
  durationMs: 60_000,
  warmupMs: 5_000,
  connections: 16,
  statementTimeoutMs: 5_000,
};

export const defaultSlo: SloSpec = { percentile: 95, limitMs: 50 };

export const defaultGate: GateSpec = { maxRegression: 0.1 };

/** Limits that people set, no statistics. */
export const defaultBudgets: BudgetSpec = {
  maxStallMs: 500,
  maxBlockedMs: 5000,
  maxFailed: 0,
  maxLockHoldMs: 200,
  maxInvalidObjects: 0,
  maxReplicaLagMs: 5000,
};

/** Gives a scenario its type; the file exports the result as default. */
export function defineScenario(scenario: ScenarioSpec): ScenarioSpec {
  return scenario;
}

/** Gives a workload its type. */
export function defineWorkload(workload: WorkloadSpec): WorkloadSpec {
  return workload;
}

/** Gives a transaction its types: parameters flow from `params` to `run`, and `query` knows the statements by name. */
export function defineTransaction<Params, Statement extends string>(
  transaction: TransactionSpec<Params, Statement>,
): TransactionSpec<Params, Statement> {
  return transaction;
}

/** Gives a stage's rewrite its types; parameters are those of the transaction that it replaces. */
export function defineRewrite<Params, Statement extends string>(
  body: TransactionBody<Params, Statement>,
): TransactionBody<Params, Statement> {
  return body;
}
