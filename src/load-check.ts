/** What a load may be, as a scenario, the config file or the flags give it. */
import * as z from 'zod';
import { UsageError } from './errors.ts';
import { hasArrivals } from './load/shape.ts';
import type { LoadSpec, StageSpec } from './scenario.ts';

const positive = z.number().positive();

export const connections = z.int().positive().max(10_000);

const ratePoints = z
  .array(z.strictObject({ at: z.number().min(0).max(1), rate: z.number().min(0).max(1_000_000) }))
  .refine(hasArrivals, 'a rate above 0 is needed for some of the time')
  .refine(
    (points) => points.every(({ at }, number) => at >= (points[number - 1]?.at ?? 0)),
    'points must be in the order of their instants',
  );

const milliseconds = z.number().positive().max(3_600_000, 'at most an hour');

const pool = z.strictObject({
  min: z.int().min(0).optional(),
  idleTimeoutMs: milliseconds.optional(),
  connectionTimeoutMs: milliseconds.optional(),
});

/** The pool of one stage. */
export const stagePool = pool.extend({ max: connections.optional(), statementTimeoutMs: milliseconds.optional() });

/** Every part may be missing. */
export const loadShape = z
  .strictObject({
    ratePerSecond: positive.max(1_000_000),
    arrivals: z.enum(['poisson', 'constant']),
    durationMs: positive.min(1000, 'at least one second').max(86_400_000, 'at most a day'),
    warmupMs: z.number().min(0),
    connections,
    statementTimeoutMs: positive,
    prepared: z.boolean(),
    keepCoresAwake: z.boolean(),
    shape: ratePoints,
    pool,
  })
  .partial();

/** The load of one stage: a pool of its own is part of what the stage changes. */
export function loadOfStage({ connections, pool = {} }: StageSpec, load: LoadSpec): LoadSpec {
  const { max = connections ?? load.connections, statementTimeoutMs = load.statementTimeoutMs, ...rules } = pool;
  const merged = { ...load.pool, ...rules };
  const own = { ...load, connections: max, statementTimeoutMs };
  return Object.keys(merged).length === 0 ? own : { ...own, pool: merged };
}

/**
 * Both numbers may come from several places, so that they are only known when all of them are.
 * @throws UsageError
 */
export function assertPool({ name }: StageSpec, { connections, pool }: LoadSpec): void {
  if ((pool?.min ?? 0) <= connections) return;
  throw new UsageError(
    `The pool of the stage ${name} keeps ${pool?.min} connections open, and may have ${connections}.`,
    {
      hint: 'Raise pool.max or --connections, or lower pool.min.',
    },
  );
}
