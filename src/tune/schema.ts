/** The schema of a tuning in result.json. */
import { z } from 'zod';
import { estimate, outcome } from '../verdict/schema.ts';

const name = z.string().min(1);
const count = z.int().nonnegative();
const setting = z.object({ name, value: z.string(), reason: z.string(), source: z.string().optional() });

export const tuningSchema = z.object({
  stage: name,
  profile: name,
  groups: z.array(z.object({ name, settings: z.array(setting) })),
  asked: z.array(name),
  steps: z.array(
    z.object({
      kind: z.enum(['profile', 'group', 'minimal']),
      name,
      dropped: z.array(name),
      startedAt: z.iso.datetime(),
      outcome: outcome,
      reason: z.string(),
      estimate: estimate.optional(),
      pairs: count,
      discarded: count,
    }),
  ),
});
