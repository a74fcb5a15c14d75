/** The load of requests, put together from its sources. */
import { faultsOf } from '../scenario-check.ts';
import { UsageError } from '../errors.ts';
import { loadShape } from '../load-check.ts';
import { assertArrivals } from '../load/schedule.ts';
import { defaultLoad, type LoadSpec } from '../scenario.ts';
import type { HttpLoadSpec } from './spec.ts';

const defaults = { connections: 100, requestTimeoutMs: 10_000 };

/**
 * A load as the engine takes it: what a statement may take is what an answer may take.
 *
 * @param general load of the scenario: of its database's connections nothing follows for those to the service
 * @throws UsageError when the sum of all sources is not possible
 */
export function httpLoad(general: Partial<LoadSpec>, ...parts: readonly Partial<HttpLoadSpec>[]): LoadSpec {
  const { connections: _, statementTimeoutMs: __, prepared: ___, pool: ____, ...common } = general;
  const { requestTimeoutMs, ...rest } = Object.assign({}, defaultLoad, common, defaults, ...parts) as LoadSpec &
    HttpLoadSpec;
  const load = { ...rest, statementTimeoutMs: requestTimeoutMs };
  const parsed = loadShape.safeParse(load);
  if (!parsed.success) {
    throw new UsageError(`The load is not possible: ${faultsOf(parsed.error).join('; ')}.`, {
      hint: 'Correct --rate, --duration or --connections, or http.load of the scenario.',
    });
  }
  assertArrivals({ ratePerSecond: load.ratePerSecond, durationMs: load.warmupMs + load.durationMs });
  return load;
}
