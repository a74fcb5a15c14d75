/** The shape of what a topology leaves in result.json. */
import { z } from 'zod';
import { amount, count } from '../result-scalars.ts';

export const topologySchema = z.object({
  replica: z.object({ transactions: z.array(z.string()) }).optional(),
  pooler: z.object({ version: z.string(), poolSize: count, prepared: z.boolean() }).optional(),
});

export const poolerFiguresSchema = z.object({ transactions: count, meanWaitUs: amount });

export const replicaLagSchema = z.object({
  looks: count,
  p50Ms: amount,
  p95Ms: amount,
  p99Ms: amount,
  maxMs: amount,
  maxBytes: amount,
});
