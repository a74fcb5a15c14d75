/** The shape of a search for the capacity in result.json. */
import { z } from 'zod';
import { amount, count, name } from '../result-scalars.ts';

export const capacityResult = z.object({
  stage: name,
  heldPerSecond: amount.optional(),
  missedPerSecond: amount.optional(),
  steps: z.array(
    z.object({
      ratePerSecond: amount,
      held: z.boolean(),
      saturated: z.boolean(),
      measuredMs: amount,
      scheduled: count,
      missed: count,
      donePerSecond: amount,
      p50Us: amount,
      p95Us: amount,
      p99Us: amount,
      latenessP99Us: amount,
      samplesFile: z.string(),
    }),
  ),
});
