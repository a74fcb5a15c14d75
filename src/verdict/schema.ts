/** The shape of a verdict in result.json. */
import { z } from 'zod';
import { amount, count } from '../result-scalars.ts';

export const outcome = z.enum(['pass', 'fail', 'inconclusive', 'invalid']);

export const estimate = z.object({
  value: amount,
  low: amount,
  high: amount,
  margin: amount,
  unit: z.enum(['share', 'ratio']),
  detectable: amount.optional(),
  signFlipPValue: amount.optional(),
});

const gate = z.object({
  name: z.enum(['validity', 'correctness', 'work', 'typical-p95', 'slo', 'stalls', 'budget']),
  outcome,
  reason: z.string(),
  stage: z.string().optional(),
  transaction: z.string().optional(),
  estimate: estimate.optional(),
  advisory: z.boolean().optional(),
});

export const verdictSchema = z.object({ outcome, exitCode: count, reason: z.string(), gates: z.array(gate) });
