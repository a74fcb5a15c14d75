/** The schema of a tuning in result.json. */
import { z } from 'zod';
import type { GateEstimate, Outcome } from '../verdict/record.ts';

const name = z.string().min(1);
const count = z.int().nonnegative();
const setting = z.object({ name, value: z.string(), reason: z.string(), source: z.string().optional() });

/** @param gates outcome and estimate as gates have them */
export const tuningSchema = (gates: { outcome: z.ZodType<Outcome>; estimate: z.ZodType<GateEstimate> }) =>
  z.object({
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
        outcome: gates.outcome,
        reason: z.string(),
        estimate: gates.estimate.optional(),
        pairs: count,
        discarded: count,
      }),
    ),
  });
