/** The shape of StageEvidence in result.json; what the server answered is held against it too, so that a missing column is an error. */
import { z } from 'zod';

const count = z.number().min(0);
const share = z.number().min(0).max(1);

export const tableAccess = z.object({
  table: z.string(),
  seqScans: count,
  seqRows: count,
  indexScans: count,
  inserted: count,
  updated: count,
  hotUpdated: count,
  deleted: count,
  autovacuums: count,
  deadRows: count,
  freeShare: share.optional(),
  deadShare: share.optional(),
});

export const indexUse = z.object({
  table: z.string(),
  index: z.string(),
  scans: count,
  entriesRead: count,
  bytes: count,
  constraint: z.boolean(),
  coveredBy: z.string().optional(),
  leafDensity: share.optional(),
});

export const databaseActivity = z.object({
  blocksHit: count,
  blocksRead: count,
  tempFiles: count,
  tempBytes: count,
  deadlocks: count,
});

export const walActivity = z.object({ records: count, fullPageImages: count, bytes: count });

export const actorIo = z.object({ actor: z.string(), reads: count, writes: count, extends: count, fsyncs: count });

const transactionCost = z.object({
  transaction: z.string(),
  runs: count,
  calls: count,
  blocks: count,
  tempBlocks: count,
  walRecords: count,
  walBytes: count,
  rows: count,
  executionMs: count,
});

const planStep = z.object({
  depth: count,
  node: z.string(),
  relation: z.string().optional(),
  index: z.string().optional(),
  condition: z.string().optional(),
  rows: count,
});

const ofStatement = { transaction: z.string(), statement: z.string() };

const statementSteps = z.object({
  ...ofStatement,
  steps: z.array(planStep),
  counted: z.object({ calls: count, rows: count, executionMs: count }).optional(),
});

const measuredStatement = z.object({
  ...ofStatement,
  plans: z.array(
    z.object({
      executions: count,
      classes: z.array(z.string()).optional(),
      steps: z.array(planStep.extend({ actualRows: count, loops: count, blocks: count })),
    }),
  ),
});

export const planChoice = z.object({ ...ofStatement, custom: count, generic: count });

const indexPrice = z.object({ index: z.string(), writes: count, walBytes: z.number(), executionUs: z.number() });

export const stageEvidence = z.object({
  stage: z.string(),
  tables: z.array(tableAccess),
  indexes: z.array(indexUse),
  waits: z.object({
    looks: count,
    shares: z.array(z.object({ event: z.string(), seen: count, seenByAge: z.array(count).optional() })),
  }),
  blocked: z.array(z.object({ blocked: z.string(), blocker: z.string(), seen: count })).optional(),
  activities: z.array(z.object({ what: z.string(), startedAt: z.iso.datetime(), durationMs: count })).optional(),
  database: databaseActivity,
  wal: walActivity,
  io: z.array(actorIo).optional(),
  costs: z.array(transactionCost).optional(),
  plans: z.array(statementSteps).optional(),
  measured: z.array(measuredStatement).optional(),
  indexPrices: z.array(indexPrice).optional(),
  flipped: z.array(statementSteps).optional(),
  gaps: z.array(z.string()),
});
