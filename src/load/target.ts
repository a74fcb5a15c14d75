/** What a worker thread drives: open connections to one stage, and an executor over them for each block. */
import type { PlanChoice } from '../observe/record.ts';
import { importScenario } from '../scenario-module.ts';
import { createCatalog } from '../seed/catalog.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { ConnectionSet } from './connection-set.ts';
import type { Executor } from './drive.ts';
import { planTransactions, PostgresExecutor, stageNamed } from './executor.ts';
import type { PoolSettings } from './executor.ts';
import type { PoolRules } from './pool.ts';
import type { DatabaseRoute } from './route.ts';
import type { Labels, Samples } from './samples.ts';

/** Where the load goes: transactions to a database, or requests to a service. Plain data. */
export type Destination =
  | DatabaseRoute
  /** As in `http://127.0.0.1:3000`; with the database behind it, where background jobs are to work on that. */
  | { origin: string; database?: ConnectionTarget };

/** Connections that a worker opens to one stage. */
export interface TargetOrder {
  scenarioFile: string;
  stage: string;
  seed: number;
  scale: number;
  /** Of a statement, or of a whole answer. */
  statementTimeoutMs: number;
  prepared: boolean;
  /** Connections of this worker: its share of the load's. */
  connections: number;
  /** Of this worker. Default: all connections stay open, and arrivals wait for as long as it takes. */
  pool?: PoolSettings;
}

export interface TargetBlock {
  blockNumber: number;
  samples: Samples;
}

/** An executor that names the errors and classes that it met. */
export interface LabellingExecutor extends Executor {
  readonly labels: Labels;
  readonly pool?: PoolRules | undefined;
}

export interface LoadTarget extends AsyncDisposable {
  /** Makes the connections fit for a block. */
  begin(block: TargetBlock): Promise<LabellingExecutor>;
  /** Ends what outlived the block, so that it does not run into the next. */
  end(): Promise<void>;
  /** How the server planned the statements so far. Absent where it is not a database that is driven. */
  planChoices?(): Promise<PlanChoice[]>;
}

/**
 * Opens connections to PostgreSQL for the scenario's transactions.
 *
 * @throws EnvironmentError when a connection cannot be opened
 */
export async function openPostgresTarget(order: TargetOrder & DatabaseRoute): Promise<LoadTarget> {
  const { statementTimeoutMs, prepared, pool, seed, scale } = order;
  const scenario = await importScenario(order.scenarioFile);
  const transactions = planTransactions(scenario, stageNamed(scenario, order.stage));
  const catalog = createCatalog(scenario.workload.seed, { seed, scale });
  const set = await ConnectionSet.open(
    {
      route: order,
      statementTimeoutMs,
      prepared,
      transactions,
      connectionTimeoutMs: pool?.connectionTimeoutMs,
    },
    order.connections,
    pool?.min,
  );
  const { connections } = set;
  let executor: PostgresExecutor<(typeof connections)[number]> | undefined;
  return {
    async begin(block) {
      await set.restore();
      executor = new PostgresExecutor({ scenario, catalog, seed, ...block, connections, pool });
      return executor;
    },
    end: () => set.terminate(executor?.busyConnections ?? []),
    planChoices: () => set.planChoices(),
    [Symbol.asyncDispose]: () => set[Symbol.asyncDispose](),
  };
}
