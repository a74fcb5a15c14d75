/** The shape of a probe in result.json. */
import { z } from 'zod';
import { amount, count, name } from '../result-scalars.ts';

export const probeFigures = z.object({
  stage: name,
  transaction: name,
  class: z.string().optional(),
  runs: count,
  parameterSets: count,
  minUs: amount,
  meanUs: amount,
  p50Us: amount,
  p95Us: amount,
  maxUs: amount,
  timedOut: count,
  failed: count,
  planUs: amount.optional(),
  executionUs: amount.optional(),
});
