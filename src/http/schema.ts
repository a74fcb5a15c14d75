/** The shape of what only the load of a service has in result.json. */
import { z } from 'zod';
import { amount, count, name } from '../result-scalars.ts';

export const closedLoopFigures = z.object({
  stage: name,
  connections: count,
  measuredMs: amount,
  answered: count,
  answeredPerSecond: amount,
  failed: count,
  timedOut: count,
  p50Us: amount,
  p95Us: amount,
  p99Us: amount,
});
