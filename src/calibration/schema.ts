/** The shape of a calibration in result.json. */
import { z } from 'zod';
import { amount, count, name } from '../result-scalars.ts';
import { estimate, outcome } from '../verdict/schema.ts';

export const calibrationRound = z.object({
  stage: name,
  startedAt: z.string(),
  outcome,
  reason: z.string(),
  estimate: estimate.optional(),
  pairs: count,
  discarded: count,
  deviation: amount.optional(),
  naiveRatio: amount,
  falseTransactions: z.array(name),
});
