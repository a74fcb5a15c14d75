/**
 * RunResult: everything a run found, as one JSON document, the only truth. Reports, gate and exit code are functions of it.
 *
 * Units stand in the names: `Us` microseconds, `Ms` milliseconds, `Bytes`, `PerSecond`. Instants are ISO 8601 in UTC.
 */
import type { CalibrationRound } from './calibration/record.ts';
import type { CapacityResult } from './capacity/record.ts';
import type { Commit } from './commit.ts';
import type { Comparison, HostLoad } from './comparison/record.ts';
import type { ClosedLoopFigures } from './http/record.ts';
import type { LiveMigration, RehearsedStep } from './live-migration/record.ts';
import type { Outage } from './load/outages.ts';
import type { PoolFigures } from './load/pool-figures.ts';
import type { TimeParts } from './load/time-parts.ts';
import type { PlanChoice, ReplicaLag, StageEvidence } from './observe/record.ts';
import type { ProbeFigures } from './probe/record.ts';
import type { Verdict } from './verdict/record.ts';
import type { ClaimSpec, GateSpec, LoadSpec, PoolSpec, RatePoint, SloSpec, ReadingSpec } from './scenario.ts';
import type { PoolerFigures, TopologyResult } from './topology/record.ts';
import type { Tuning } from './tune/record.ts';

export type { Outage } from './load/outages.ts';
export type { PoolFigures } from './load/pool-figures.ts';
export type { CalibrationRound } from './calibration/record.ts';
export type { CapacityResult, CapacityStep } from './capacity/record.ts';
export type { ClosedLoopFigures } from './http/record.ts';
export type { ProbeFigures } from './probe/record.ts';
export type { Gate, GateEstimate, Outcome, Verdict } from './verdict/record.ts';

/** Raised whenever a reader of the older shape would misread the newer one. */
export const schemaVersion = 1;

/** Among the errors of a block: an answer that the scenario's check of it refused. */
export const wrongAnswer = 'WRONG_ANSWER';

/** Summary of one histogram; microseconds, three significant digits. Zeros when `count` is 0. */
export interface Percentiles {
  count: number;
  minUs: number;
  meanUs: number;
  p50Us: number;
  p90Us: number;
  p95Us: number;
  p99Us: number;
  p999Us: number;
  maxUs: number;
}

/** Where every scheduled arrival ended: scheduled = succeeded + failed + timedOut + unfinished. */
export interface Counts {
  scheduled: number;
  succeeded: number;
  /** Ended with an error other than a statement timeout. */
  failed: number;
  /** Cancelled by the statement timeout (SQLSTATE 57014). */
  timedOut: number;
  /** Not ended when the drain deadline passed; includes arrivals that never got a connection. */
  unfinished: number;
}

/** Latencies of a group of transactions. Response = intended start to end; service = send to end; wait = their difference. */
export interface Latencies {
  /** Every scheduled arrival: what did not finish is counted with its age, a lower bound. */
  response: Percentiles;
  service: Percentiles;
  wait: Percentiles;
  /** From the send to the first byte of the first answer, where one came; absent in older results. */
  firstByte?: Percentiles;
}

export interface TransactionFigures extends Latencies {
  name: string;
  access: 'read' | 'write';
  counts: Counts;
  /** Arrivals that missed the SLO: slower than the limit, failed, timed out or unfinished. */
  missed: number;
  /** Times that it was sent to the server, warm-up and repetitions included: what the server counts. Absent in older results. */
  sent?: number;
  /** Repetitions after serialisation failures and deadlocks; absent in results of older versions. */
  retries?: number;
  /** Errors by SQLSTATE, by driver code such as ECONNRESET, or by HTTP status, with one example message each. */
  errors: Record<string, { count: number; example: string }>;
  /** Figures by parameter class, where the transaction declares classes. */
  classes: Record<string, { count: number; missed: number; response: Percentiles; service: Percentiles }>;
}

/** One second of a block, by intended start. */
export interface TimelineBucket {
  offsetMs: number;
  scheduled: number;
  /** Ended (with or without success) in this second. */
  completed: number;
  missed: number;
  failed: number;
  p50Us: number;
  p95Us: number;
  maxUs: number;
}

/** One measured interval on one stage. */
export interface Block {
  id: string;
  stage: string;
  startedAt: string;
  /** Offered load: arrivals a second, planned length, washout at the start that is driven but not counted. */
  ratePerSecond: number;
  /** Where the rate changed; `ratePerSecond` is then the mean of the planned length. */
  shape?: readonly RatePoint[];
  plannedMs: number;
  warmupMs: number;
  /** From the first counted arrival to the end of the schedule, or to the stop if saturated or interrupted. */
  measuredMs: number;
  outcome: 'complete' | 'saturated' | 'interrupted';
  /** When the stage could not hold the rate: noticed at, the rate that it did hold, arrivals waiting at that moment. */
  saturation?: { atMs: number; heldPerSecond: number; backlog: number };
  counts: Counts;
  missed: number;
  /** All transactions together. */
  total: Latencies;
  /** Absent where nothing near p95 succeeded, and in older results. */
  nearP95?: TimeParts;
  transactions: TransactionFigures[];
  timeline: TimelineBucket[];
  /** Longest time without any completion. */
  longestGapMs: number;
  /** In the order of their beginnings; absent where there was none, where the stage was saturated, and in older results. */
  outages?: Outage[];
  /** Absent in older results. */
  pool?: PoolFigures;
  /** Where the stage has a replica. */
  replicaLag?: ReplicaLag;
  /** Where the stage has a pooler. */
  pooler?: PoolerFigures;
  /** Checkpoints that the server began meanwhile; absent in older results. */
  checkpoints?: number;
  /** Runs of the stage's background jobs, in the order of their ends; absent where it has none. */
  jobs?: JobRun[];
  /** By the sessions of the load; absent where they were not asked, where statements have no names, and behind a pooler. */
  planChoices?: PlanChoice[];
  generator: {
    /** Due instant to the moment the generator dealt with the arrival: its own fault, not the server's. */
    lateness: Percentiles;
    /** CPU of the generator's process in the counted time, in cores. */
    cpuCores: number;
    eventLoopDelayP99Us: number;
    workers: number;
    /** Its threads ran before all others, as the operating system granted it. */
    realTime?: true;
    /** Its threads had this niceness, and so more weight than others. */
    niceness?: number;
  };
  /** Absent where nobody knows (other systems than Linux, a server that is not ours), and in older results. */
  host?: HostLoad;
  /** Raw samples beside result.json (format: docs/method.md). */
  samplesFile: string;
}

/** A block that proved nothing because the load generator was late, and was driven once more. */
export interface DiscardedBlock {
  stage: string;
  startedAt: string;
  latenessP99Us: number;
  /** Response times and misses as they were, the generator's lateness in them. */
  p95Us: number;
  missed: number;
  scheduled: number;
  /** As of a block. */
  host?: HostLoad;
}

/** One run of a background job. */
export interface JobRun {
  name: string;
  /** From the start of the measured time; negative in the warm-up. */
  startedMs: number;
  durationMs: number;
  error?: string;
  /** The load ended first, and the job was ended with it. */
  cutOff?: true;
}

/** A figure that the workload asked of a stage's database right after the load: a value, or why there is none. */
export interface Reading {
  stage: string;
  name: string;
  description: string;
  unit: ReadingSpec['unit'];
  value?: number;
  error?: string;
}

/** A reason to doubt a figure, with advice. */
export interface Warning {
  code: string;
  message: string;
  advice: string;
  stage?: string;
}

export interface MigrationRecord {
  version: string;
  name: string;
  sha256: string;
  durationMs: number;
  statements: number;
}

/** A statement of a migration that the last stage has and the first has not. */
export interface ChangedStatement {
  /** Path from the folder in which the run was started, with slashes. */
  file: string;
  /** Line of its first word, from 1. */
  line: number;
  /** On one line, shortened. */
  text: string;
}

export interface RelationSize {
  table: string;
  rows: number;
  heapBytes: number;
  indexBytes: number;
  totalBytes: number;
}

/** A stage as it ran. */
export interface StageResult {
  name: string;
  description: string;
  migrations: string;
  profile: string;
  /** Of the client's pool. Missing in results from before stages could have pools of their own: the load's. */
  connections?: number;
  /** Of that pool, where it is not simply open from beginning to end. */
  pool?: PoolSpec;
  /** Missing in older results: the load's. */
  statementTimeoutMs?: number;
  /** Absent where the server was alone. */
  topology?: TopologyResult;
  /** Settings that differ from PostgreSQL's defaults, each with its reason and the source of that. */
  settings: { name: string; value: string; reason: string; source?: string }[];
  /** Migrations applied after the baseline, with durations measured when the stage's snapshot was built. */
  applied: MigrationRecord[];
  snapshotKey: string;
  /** True when the stage's data came from the cache. */
  cached: boolean;
  databaseBytes: number;
  relations: RelationSize[];
  /** Of `pgrehearse http`: what was loaded. Values of variables that look like secrets are left out. */
  service?: { command?: string; url?: string; env: Record<string, string> };
}

/** Wall time of one part of the run. */
export interface Phase {
  name: 'server' | 'seed' | 'index' | 'snapshot' | 'clone' | 'migrate' | 'correctness' | 'measure' | 'report';
  stage?: string;
  durationMs: number;
  detail?: string;
}

/** Answers of one read transaction, compared between the first stage and another. */
export interface AnswerComparison {
  transaction: string;
  stage: string;
  /** Parameter sets whose answers were compared, and how many differed. */
  compared: number;
  different: number;
  /** Parameter sets that one of the stages could not answer in time. */
  unanswered: number;
  /** Reason why the stage declares that its answer differs; then nothing is compared. */
  declared?: string;
  /** The first difference: parameters and the beginning of both answers. */
  example?: { parameters: string; before: string; after: string };
}

export interface InvariantOutcome {
  name: string;
  description: string;
  stage: string;
  when: 'seeded' | 'loaded';
  holds: boolean;
  durationMs: number;
  /** The first violating rows, as JSON. */
  violations?: string;
}

export interface ClaimOutcome extends ClaimSpec {
  /** In the unit of the claim: ms, transactions a second or bytes. */
  measured?: number;
  outcome: 'met' | 'not met' | 'not measured';
  note?: string;
}

/** The machine that everything ran on. */
export interface Host {
  cpuModel: string;
  cores: number;
  memoryBytes: number;
  os: string;
  kernel: string;
  arch: string;
  /** Limit of the control group, where one is lower than the machine's memory. */
  memoryLimitBytes?: number;
}

/** What the load generator can do on a machine, against a server that does nothing; from `pgrehearse doctor --load`. */
export interface GeneratorFigures {
  /** Transactions a second that one worker can carry out, and the same by cores of CPU used. */
  ceilingPerSecond: number;
  perCorePerSecond: number;
  /** At 1,000 transactions a second, with the CPU of the generator, in cores. */
  latenessP50Us: number;
  latenessP99Us: number;
  latenessCpuCores: number;
  measuredAt: string;
}

export interface SeedSummary {
  seed: number;
  scale: number;
  asOf: string;
  rows: number;
  bytes: number;
  /** Of the run that built the snapshot. */
  copyMs: number;
  indexMs: number;
  tables: { name: string; rows: number; copyMs: number; copyBytes: number; sha256: string }[];
}

export interface RunResult {
  schemaVersion: number;
  id: string;
  status: 'running' | 'complete' | 'interrupted' | 'failed';
  startedAt: string;
  finishedAt?: string;
  tool: { version: string; node: string };
  /** The command that was given, without passwords. */
  command: string;
  /** Of the project in whose folder the command was given; absent outside of a repository and in older results. */
  commit?: Commit;
  host: Host;
  /** Known when `pgrehearse doctor --load` was run on this machine before. */
  generator?: GeneratorFigures;
  server: { kind: string; version: string; major: number };
  scenario: {
    name: string;
    title: string;
    description: string;
    transactions: { name: string; description: string; weight: number; access: 'read' | 'write' }[];
  };
  load: LoadSpec;
  slo: SloSpec;
  /** Absent in older results, which had no comparison. */
  gate?: GateSpec;
  seed?: SeedSummary;
  stages: StageResult[];
  phases: Phase[];
  blocks: Block[];
  /** Absent where none was. */
  discarded?: DiscardedBlock[];
  /** What the migrations between the first and the last stage say. Absent in older results. */
  changes?: ChangedStatement[];
  /** What the server counted while each stage was alone under the load; absent in older results. */
  evidence?: StageEvidence[];
  /** The first stage beside the last, where both hold the rate. */
  comparison?: Comparison;
  /** Of `pgrehearse rehearse`, which has no blocks. */
  liveMigration?: LiveMigration;
  /** What rehearsals of the steps between the stages felt, where `pgrehearse report --rehearsals` has added them. */
  rehearsedSteps?: RehearsedStep[];
  /** Of `pgrehearse calibrate`, which has nothing else. */
  calibration?: CalibrationRound[];
  /** Of `pgrehearse tune`, which has nothing else. */
  tuning?: Tuning;
  /** Of `pgrehearse capacity`, which has no blocks. */
  capacity?: CapacityResult[];
  /** Of `pgrehearse probe`, which has no blocks and no verdict. */
  probe?: ProbeFigures[];
  /** Of `pgrehearse http --closed-loop`. */
  closedLoop?: ClosedLoopFigures[];
  answers: AnswerComparison[];
  invariants: InvariantOutcome[];
  /** Absent where the workload declares none. */
  readings?: Reading[];
  claims: ClaimOutcome[];
  warnings: Warning[];
  verdict?: Verdict;
}
