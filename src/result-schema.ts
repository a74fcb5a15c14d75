/** The schema of result.json. A test holds it in step with the types of result.ts, both ways, at compile time. */
import { z } from 'zod';
import { calibrationRound } from './calibration/schema.ts';
import { capacityResult } from './capacity/schema.ts';
import { closedLoopFigures } from './http/schema.ts';
import { liveMigrationSchema, rehearsedStepSchema } from './live-migration/schema.ts';
import { readingUnits } from './scenario.ts';
import { planChoice, stageEvidence } from './observe/schema.ts';
import { comparisonSchema, hostLoadSchema } from './comparison/schema.ts';
import { probeFigures } from './probe/schema.ts';
import { amount, count, name } from './result-scalars.ts';
import { poolerFiguresSchema, replicaLagSchema, topologySchema } from './topology/schema.ts';
import { tuningSchema } from './tune/schema.ts';
import { verdictSchema } from './verdict/schema.ts';

const instant = z.iso.datetime();
const access = z.enum(['read', 'write']);

const percentiles = z.object({
  count,
  minUs: amount,
  meanUs: amount,
  p50Us: amount,
  p90Us: amount,
  p95Us: amount,
  p99Us: amount,
  p999Us: amount,
  maxUs: amount,
});

const latencies = z.object({
  response: percentiles,
  service: percentiles,
  wait: percentiles,
  firstByte: percentiles.optional(),
});

const counts = z.object({ scheduled: count, succeeded: count, failed: count, timedOut: count, unfinished: count });

const transactionFigures = latencies.extend({
  name,
  access,
  counts,
  missed: count,
  sent: count.optional(),
  retries: count.optional(),
  errors: z.record(z.string(), z.object({ count, example: z.string() })),
  classes: z.record(z.string(), z.object({ count, missed: count, response: percentiles, service: percentiles })),
});

const timelineBucket = z.object({
  offsetMs: amount,
  scheduled: count,
  completed: count,
  missed: count,
  failed: count,
  p50Us: amount,
  p95Us: amount,
  maxUs: amount,
});

const ratePoints = z.array(z.object({ at: amount, rate: amount })).readonly();

const pool = z.object({
  min: count.optional(),
  idleTimeoutMs: amount.optional(),
  connectionTimeoutMs: amount.optional(),
});

const poolFigures = z.object({
  max: count,
  min: count,
  wait: percentiles,
  utilisation: z.number().min(0).max(1),
  busiest: count,
  exhausted: count,
  timedOut: count,
  opened: count,
});

const block = z.object({
  id: name,
  stage: name,
  startedAt: instant,
  ratePerSecond: amount,
  shape: ratePoints.optional(),
  plannedMs: amount,
  warmupMs: amount,
  measuredMs: amount,
  outcome: z.enum(['complete', 'saturated', 'interrupted']),
  saturation: z.object({ atMs: amount, heldPerSecond: amount, backlog: count }).optional(),
  counts,
  missed: count,
  total: latencies,
  nearP95: z.object({ arrivals: count, lateUs: amount, poolUs: amount, serverUs: amount, restUs: amount }).optional(),
  transactions: z.array(transactionFigures),
  timeline: z.array(timelineBucket),
  longestGapMs: amount,
  outages: z
    .array(z.object({ offsetMs: amount, durationMs: amount, failed: count, scheduled: count, recovered: z.boolean() }))
    .optional(),
  pool: poolFigures.optional(),
  replicaLag: replicaLagSchema.optional(),
  pooler: poolerFiguresSchema.optional(),
  checkpoints: count.optional(),
  jobs: z
    .array(
      z.object({
        name,
        startedMs: z.number(),
        durationMs: amount,
        error: z.string().optional(),
        cutOff: z.literal(true).optional(),
      }),
    )
    .optional(),
  planChoices: z.array(planChoice).optional(),
  generator: z.object({
    lateness: percentiles,
    cpuCores: amount,
    eventLoopDelayP99Us: amount,
    workers: count,
    realTime: z.literal(true).optional(),
    niceness: z.number().int().optional(),
  }),
  host: hostLoadSchema.optional(),
  samplesFile: z.string(),
});

const relation = z.object({
  table: z.string(),
  rows: count,
  heapBytes: amount,
  indexBytes: amount,
  totalBytes: amount,
});

const stage = z.object({
  name,
  description: z.string(),
  migrations: z.string(),
  profile: z.string(),
  connections: count.optional(),
  pool: pool.optional(),
  statementTimeoutMs: amount.optional(),
  topology: topologySchema.optional(),
  settings: z.array(
    z.object({ name: z.string(), value: z.string(), reason: z.string(), source: z.string().optional() }),
  ),
  applied: z.array(
    z.object({ version: z.string(), name: z.string(), sha256: z.string(), durationMs: amount, statements: count }),
  ),
  snapshotKey: z.string(),
  cached: z.boolean(),
  databaseBytes: amount,
  relations: z.array(relation),
  service: z
    .object({
      command: z.string().optional(),
      url: z.string().optional(),
      env: z.record(z.string(), z.string()),
    })
    .optional(),
});

const phase = z.object({
  name: z.enum(['server', 'seed', 'index', 'snapshot', 'clone', 'migrate', 'correctness', 'measure', 'report']),
  stage: z.string().optional(),
  durationMs: amount,
  detail: z.string().optional(),
});

const answers = z.object({
  transaction: z.string(),
  stage: z.string(),
  compared: count,
  different: count,
  unanswered: count,
  declared: z.string().optional(),
  example: z.object({ parameters: z.string(), before: z.string(), after: z.string() }).optional(),
});

const invariant = z.object({
  name: z.string(),
  description: z.string(),
  stage: z.string(),
  when: z.enum(['seeded', 'loaded']),
  holds: z.boolean(),
  durationMs: amount,
  violations: z.string().optional(),
});

const claim = z.object({
  text: z.string(),
  source: z.string(),
  stage: z.string(),
  measure: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('latency'),
      transaction: z.string().optional(),
      statistic: z.enum(['mean', 'p50', 'p95', 'p99', 'max']),
      time: z.enum(['response', 'service']),
      class: z.string().optional(),
    }),
    z.object({ kind: z.literal('heldRate') }),
    z.object({ kind: z.literal('databaseBytes') }),
    z.object({ kind: z.literal('timeouts') }),
    z.object({
      kind: z.literal('probe'),
      transaction: z.string(),
      statistic: z.enum(['p50', 'max']),
      class: z.string().optional(),
    }),
    z.object({ kind: z.literal('rows'), table: z.string() }),
    z.object({ kind: z.literal('relationBytes'), table: z.string(), part: z.enum(['heap', 'indexes', 'total']) }),
    z.object({ kind: z.literal('reading'), reading: z.string(), unit: z.enum(readingUnits) }),
    z.object({ kind: z.literal('none'), reason: z.string() }),
  ]),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
  measured: z.number().optional(),
  outcome: z.enum(['met', 'not met', 'not measured']),
  note: z.string().optional(),
});

const host = z.object({
  cpuModel: z.string(),
  cores: count,
  memoryBytes: amount,
  os: z.string(),
  kernel: z.string(),
  arch: z.string(),
  memoryLimitBytes: amount.optional(),
});

/** Kept in the cache too. */
export const generatorSchema = z.object({
  ceilingPerSecond: amount,
  perCorePerSecond: amount,
  latenessP50Us: amount,
  latenessP99Us: amount,
  latenessCpuCores: amount,
  measuredAt: instant,
});

const seed = z.object({
  seed: z.int(),
  scale: z.number().positive(),
  asOf: z.string(),
  rows: count,
  bytes: amount,
  copyMs: amount,
  indexMs: amount,
  tables: z.array(z.object({ name: z.string(), rows: count, copyMs: amount, copyBytes: amount, sha256: z.string() })),
});

/** A whole RunResult. Keys that it does not know are dropped: a later writer may add some without a new schema version. */
export const runResultSchema = z.object({
  schemaVersion: z.int().positive(),
  id: name,
  status: z.enum(['running', 'complete', 'interrupted', 'failed']),
  startedAt: instant,
  finishedAt: instant.optional(),
  tool: z.object({ version: z.string(), node: z.string() }),
  command: z.string(),
  commit: z.object({ sha: name, dirty: z.boolean() }).optional(),
  host,
  generator: generatorSchema.optional(),
  server: z.object({ kind: z.string(), version: z.string(), major: count }),
  scenario: z.object({
    name: z.string(),
    title: z.string(),
    description: z.string(),
    transactions: z.array(z.object({ name, description: z.string(), weight: amount, access })),
  }),
  load: z.object({
    ratePerSecond: amount,
    arrivals: z.enum(['poisson', 'constant']),
    durationMs: amount,
    warmupMs: amount,
    connections: count,
    statementTimeoutMs: amount,
    prepared: z.boolean().optional(),
    keepCoresAwake: z.boolean().optional(),
    shape: ratePoints.optional(),
    pool: pool.optional(),
  }),
  slo: z.object({ percentile: z.number().gt(0).lt(100), limitMs: amount }),
  gate: z.object({ maxRegression: amount, maxWork: amount.optional() }).optional(),
  seed: seed.optional(),
  stages: z.array(stage),
  phases: z.array(phase),
  blocks: z.array(block),
  discarded: z
    .array(
      z.object({
        stage: name,
        startedAt: instant,
        latenessP99Us: amount,
        p95Us: amount,
        missed: count,
        scheduled: count,
        host: hostLoadSchema.optional(),
      }),
    )
    .optional(),
  liveMigration: liveMigrationSchema.optional(),
  rehearsedSteps: z.array(rehearsedStepSchema).optional(),
  evidence: z.array(stageEvidence).optional(),
  changes: z.array(z.object({ file: z.string(), line: count, text: z.string() })).optional(),
  comparison: comparisonSchema.optional(),
  tuning: tuningSchema.optional(),
  calibration: z.array(calibrationRound).optional(),
  capacity: z.array(capacityResult).optional(),
  probe: z.array(probeFigures).optional(),
  closedLoop: z.array(closedLoopFigures).optional(),
  answers: z.array(answers),
  invariants: z.array(invariant),
  readings: z
    .array(
      z.object({
        stage: name,
        name,
        description: z.string(),
        unit: z.enum(readingUnits),
        value: z.number().optional(),
        error: z.string().optional(),
      }),
    )
    .optional(),
  claims: z.array(claim),
  warnings: z.array(
    z.object({ code: z.string(), message: z.string(), advice: z.string(), stage: z.string().optional() }),
  ),
  verdict: verdictSchema.optional(),
});

/** The same as a JSON Schema (2020-12), for programs that read result.json without this package. */
export function resultJsonSchema(): string {
  const schema = z.toJSONSchema(runResultSchema, { reused: 'ref' });
  return `${JSON.stringify({ title: 'RunResult of pgrehearse', ...schema }, undefined, 2)}\n`;
}
