/** The shape of a LiveMigration in result.json. */
import { z } from 'zod';
import { adversaries, killKinds } from './record.ts';

const amount = z.number().min(0);
/** Instants may lie before the first counted arrival. */
const instant = z.number();

const statement = z.object({
  migration: z.string(),
  file: z.string(),
  line: z.number(),
  text: z.string(),
  startMs: instant,
  endMs: instant,
  waitedMs: amount,
  waits: z.array(z.object({ fromMs: instant, toMs: instant })).optional(),
  blockers: z.array(z.string()),
  felt: z.object({ stallMs: amount, blockedMs: amount }).optional(),
  error: z.string().optional(),
});

const serverEvidence = z.object({
  rewritten: z.array(z.string()),
  readWhole: z.array(z.object({ table: z.string(), bytes: amount })),
  deadRows: z.array(z.object({ table: z.string(), before: amount, after: amount })),
  plans: z.array(
    z.object({ transaction: z.string(), statement: z.string(), before: z.string(), after: z.string().optional() }),
  ),
  wal: z.object({ usualPerSecond: amount, mostPerSecond: amount }),
  disk: z.object({ beforeBytes: amount, mostBytes: amount }).optional(),
  replica: z.object({ mostMs: amount, mostBytes: amount }).optional(),
});

const repeat = z.object({
  startedAt: z.string(),
  adversary: z.enum(adversaries).optional(),
  migrationStartMs: instant,
  migrationEndMs: instant,
  endMs: instant,
  outcome: z.enum(['applied', 'failed']),
  error: z.string().optional(),
  retries: amount,
  statements: z.array(statement),
  locks: z.array(z.object({ relation: z.string(), mode: z.string(), heldMs: amount })),
  impact: z.object({
    longestStallMs: amount,
    usualStallMs: amount,
    stalls: z.array(z.object({ access: z.enum(['read', 'write']), longestMs: amount, usualMs: amount })).optional(),
    pastLimit: amount,
    lostMs: amount,
    worstMs: amount,
    failed: amount,
    errors: z.record(z.string(), amount),
    recoveryMs: amount.optional(),
  }),
  queue: z.object({ most: amount, blockedMs: amount }),
  walBytes: amount,
  server: serverEvidence.optional(),
  invalidIndexes: z.array(z.string()),
  unvalidatedConstraints: z.array(z.string()),
  buckets: z.array(z.object({ scheduled: amount, worstMs: amount, completed: amount, failed: amount })),
  generatorLatenessP99Us: amount,
  samplesFile: z.string(),
  roundTrip: z
    .object({ notRestored: z.array(z.string()), differs: z.array(z.string()), error: z.string().optional() })
    .optional(),
  takeOver: z.object({ version: z.string(), atMs: instant, samplesFile: z.string() }).optional(),
});

const killPoint = z.object({
  kind: z.enum(killKinds),
  migration: z.string(),
  file: z.string(),
  line: z.number(),
  text: z.string(),
  afterMs: amount,
  hit: z.boolean(),
  left: z.array(z.string()),
  recovery: z.enum(['run again', 'taken back and run again', 'failed']),
  recoveryMs: amount,
  faults: z.array(z.string()),
  dataFaults: z.array(z.string()),
});

const deadlock = z.object({
  seed: z.number(),
  victim: z.enum(['migration', 'load']),
  migration: z.string(),
  other: z.string(),
});

const projection = z.object({
  migration: z.string(),
  table: z.string(),
  rows: amount,
  runs: z.array(z.object({ rows: amount, durationMs: amount })),
  exponent: z.number(),
  estimateMs: amount,
  lowMs: amount,
  highMs: amount,
});

export const rehearsedStepSchema = z.object({
  from: z.string(),
  to: z.string(),
  startedAt: z.string(),
  ratePerSecond: amount,
  scale: amount,
  repeats: amount,
  applied: z.boolean(),
  migrationMs: amount,
  longestStallMs: amount,
  usualStallMs: amount,
  readStallMs: amount.optional(),
  writeStallMs: amount.optional(),
  failed: amount,
  errors: z.array(z.string()),
  blockedMs: amount,
  pastLimit: amount,
  retries: amount,
});

export const liveMigrationSchema = z.object({
  from: z.string(),
  to: z.string(),
  adversary: z.enum([...adversaries, 'each']).optional(),
  budgets: z.object({
    maxStallMs: amount,
    maxBlockedMs: amount,
    maxFailed: amount,
    maxLockHoldMs: amount,
    maxInvalidObjects: amount,
    maxReplicaLagMs: amount.optional(),
  }),
  lockWait: z.object({ timeoutMs: amount, attempts: amount, pauseMs: amount }).optional(),
  findings: z.array(
    z.object({
      file: z.string(),
      line: z.number(),
      rule: z.string(),
      advice: z.string(),
      breaksStatements: z.literal(true).optional(),
      by: z.literal('squawk').optional(),
      name: z.string().optional(),
      exposure: z.object({ table: z.string(), rows: amount.optional(), share: amount }).optional(),
      unmeasured: z.literal(true).optional(),
    }),
  ),
  squawk: z.union([z.object({ version: z.string() }), z.object({ absent: z.string() })]).optional(),
  quietMs: z.record(z.string(), amount),
  repeats: z.array(repeat),
  downs: z.array(repeat).optional(),
  killPoints: z.array(killPoint).optional(),
  projections: z.array(projection).optional(),
  interleavings: z.object({ first: z.number(), tried: amount, deadlocks: z.array(deadlock) }).optional(),
});
