/** The schema of a comparison in result.json. */
import { z } from 'zod';

const count = z.int().nonnegative();
const amount = z.number().nonnegative();
const name = z.string().min(1);
const side = z.enum(['before', 'twin', 'after']);

/** What the machine did beside a block. */
export const hostLoadSchema = z.object({ stealShare: amount, foreignCores: amount });

const look = z.object({ change: count, same: count });

const pairedBlock = z.object({
  side,
  startedAt: z.iso.datetime(),
  outcome: z.enum(['complete', 'saturated', 'interrupted']),
  scheduled: count,
  offered: count,
  missed: count,
  p50Us: amount,
  p95Us: amount,
  p99Us: amount,
  maxUs: amount,
  seconds: count,
  slowSeconds: count,
  latenessP99Us: amount,
  transactions: z.array(z.object({ name, count, missed: count, p95Us: amount, wrong: count.optional() })),
  host: hostLoadSchema.optional(),
  checkpoints: count.optional(),
  samplesFile: z.string(),
});

export const comparisonSchema = z.object({
  before: name,
  after: name,
  plan: z.object({
    preset: z.enum(['quick', 'standard']),
    looks: z.array(look).min(1),
    blockMs: amount,
    washoutMs: amount,
    warmupMs: amount,
    orderSeed: z.int(),
  }),
  pairs: z.array(
    z.object({ number: count, kind: z.enum(['change', 'same']), blocks: z.array(pairedBlock).min(1).max(2) }),
  ),
  work: z
    .array(
      z.object({
        transaction: name,
        side,
        runs: count,
        calls: count,
        blocks: amount,
        tempBlocks: amount,
        walRecords: amount,
        walBytes: amount,
        rows: amount,
        executionMs: amount,
      }),
    )
    .optional(),
  statementPlans: z.array(z.object({ transaction: name, statement: name, side, shape: z.string() })).optional(),
  settings: z.array(z.object({ side, name, value: z.string(), reason: z.string() })),
});
