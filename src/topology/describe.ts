/** A stage's topology as a result tells it. */
import type { PlannedStage } from '../stage-plan.ts';
import type { ScenarioSpec } from '../scenario.ts';
import { defaultPoolSize } from './pgbouncer-ini.ts';
import type { TopologyResult } from './record.ts';
import { goesToReplica } from './routing.ts';

/** Undefined where the server is alone. */
export function describeTopology(
  { topology, spec, load }: PlannedStage,
  { workload }: ScenarioSpec,
): TopologyResult | undefined {
  if (topology === undefined) return undefined;
  const { replica, pooler } = topology;
  const routed = Object.entries(workload.transactions).filter(([, transaction]) => goesToReplica(transaction, spec));
  return {
    ...(replica && { replica: { transactions: routed.map(([name]) => name) } }),
    ...(pooler && {
      pooler: {
        version: pooler.version,
        poolSize: pooler.poolSize ?? defaultPoolSize,
        prepared: load.prepared ?? true,
      },
    }),
  };
}
