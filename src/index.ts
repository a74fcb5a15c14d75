/** The public surface of pgrehearse. Scenarios and seeds import from here only. */
export {
  defineConfig,
  loadConfig,
  measureCapacity,
  planHttp,
  planRun,
  probe,
  readResult,
  run,
  runHttp,
  seedSnapshot,
  writeResult,
} from './calls.ts';
export type { Config } from './config.ts';
export {
  CorrectnessError,
  EnvironmentError,
  ExitCode,
  PgrehearseError,
  UsageError,
  type ErrorDetails,
} from './errors.ts';
export type { HttpPlan, HttpRunRequest, PlannedService } from './http/plan.ts';
export {
  defineHttpScenario,
  type AnswerCheck,
  type CompanionSpec,
  type HttpLoadSpec,
  type HttpReadingSpec,
  type HttpRequest,
  type HttpScenarioSpec,
  type HttpSpec,
  type RequestSpec,
  type ServiceSpec,
  type StageServiceSpec,
  type VariantSpec,
} from './http/spec.ts';
export type { RunControl, RunEvent } from './journal.ts';
export type { RunPlan, RunRequest } from './plan.ts';
export type { ProbeControl } from './probe.ts';
export { renderMarkdown } from './report/markdown.ts';
export { renderSummary } from './report/summary.ts';
export type * from './result.ts';
export {
  defineRewrite,
  defineScenario,
  defineTransaction,
  defineWorkload,
  type BudgetSpec,
  type ClaimSpec,
  type Draw,
  type InvariantSpec,
  type JobSpec,
  type LoadSpec,
  type PoolerSpec,
  type PoolSpec,
  type RatePoint,
  type ReadingSpec,
  type ReplicaSpec,
  type Row,
  type ScenarioSpec,
  type Settings,
  type SloSpec,
  type StagePoolSpec,
  type StageSpec,
  type TopologySpec,
  type TransactionBody,
  type TransactionClient,
  type TransactionSpec,
  type WorkloadSpec,
} from './scenario.ts';
export type { PlannedStage } from './stage-plan.ts';
export { judge } from './verdict.ts';
export { createCatalog, seedDigest, type SeedCatalog } from './seed/catalog.ts';
export { byIndex, constant, inTurn, nullable, oneOf, weighted, when } from './seed/columns/choices.ts';
export { combine, compute, type RowContext } from './seed/columns/derived.ts';
export { hashedId, hex, serial, shuffledId, uuid } from './seed/columns/ids.ts';
export { balanced, portion } from './seed/columns/money.ts';
export {
  chance,
  decimal,
  exponential,
  logNormal,
  normal,
  uniform,
  zipf,
  type NumberOptions,
} from './seed/columns/numbers.ts';
export {
  childNumber,
  column,
  evenly,
  groups,
  logNormalShares,
  lookup,
  nearby,
  parent,
  parentRow,
  recentFirst,
  reference,
  rowNumber,
  rowOf,
  rowUnder,
  siblings,
  weightedRows,
  zipfian,
  type RowPick,
} from './seed/columns/references.ts';
export { json, list } from './seed/columns/structures.ts';
export { faked, text } from './seed/columns/text.ts';
export { after, asOf, timestamp, type Rhythm, type TimestampOptions } from './seed/columns/times.ts';
export {
  defineSeed,
  type ChildrenOf,
  type ChildTableSpec,
  type Column,
  type RootTableSpec,
  type SeedSpec,
  type TableSpec,
} from './seed/define.ts';
