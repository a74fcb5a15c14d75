/** Carries out the arrivals of a block against PostgreSQL. */
import { messageOf, UsageError } from '../errors.ts';
import type { ScenarioSpec, StageSpec, TransactionSpec } from '../scenario.ts';
import { goesToReplica } from '../topology/routing.ts';
import { errorCode } from './client.ts';
import type { PlannedTransaction } from './client.ts';
import { createDraw } from './draw.ts';
import type { Catalog } from './draw.ts';
import type { Ending, Executor } from './drive.ts';
import type { PoolRules } from './pool.ts';
import { Fate, LabelTable, poolTimeout } from './samples.ts';
import type { Labels, Samples } from './samples.ts';

/** Serialisation failure and deadlock: PostgreSQL asks the client to repeat the transaction. */
const repeatable = new Set(['40001', '40P01']);
const queryCanceled = '57014';
/** A transaction that was repeated so often counts as failed. */
const mostRetries = 10;

/** @throws UsageError when the scenario has no such stage */
export function stageNamed(scenario: ScenarioSpec, name: string): StageSpec {
  const stage = scenario.stages.find((candidate) => candidate.name === name);
  if (stage !== undefined) return stage;
  throw new UsageError(`The scenario ${scenario.name} has no stage ${name}.`, {
    hint: `Its stages are ${scenario.stages.map((candidate) => candidate.name).join(', ')}.`,
  });
}

/** The transactions of a workload as a stage carries them out, in the order of their numbers. */
export function planTransactions(scenario: ScenarioSpec, stage: StageSpec): PlannedTransaction[] {
  return Object.entries(scenario.workload.transactions).map(([name, transaction]) => ({
    name,
    body: stage.rewrites?.[name] ?? transaction,
    ...(goesToReplica(transaction, stage) ? { onReplica: true } : {}),
  }));
}

/** What the executor needs of a connection. */
export interface Connection {
  readonly isOpen: boolean;
  /** See `Executor.firstByteUs`. */
  readonly firstByteUs: number;
  open(): Promise<void>;
  close(): Promise<void>;
  run(transaction: number, params: unknown): Promise<unknown>;
}

export interface ExecutorOptions<C extends Connection> {
  scenario: ScenarioSpec;
  catalog: Catalog;
  seed: number;
  blockNumber: number;
  samples: Samples;
  connections: readonly C[];
  pool?: PoolSettings | undefined;
}

/** The pool of one worker, plain data; as in PoolSpec. */
export interface PoolSettings {
  min: number;
  idleTimeoutMs?: number | undefined;
  connectionTimeoutMs?: number | undefined;
}

/** Draws parameters ahead, runs transactions on connections, repeats them where PostgreSQL asks for it, and names errors. */
export class PostgresExecutor<C extends Connection> implements Executor {
  readonly #options: ExecutorOptions<C>;
  readonly #transactions: [name: string, TransactionSpec][];
  readonly #asOfMs: number;
  readonly #params = new Map<number, unknown>();
  readonly #busy = new Set<number>();
  readonly #errors = new LabelTable<Labels['errors'][number]>();
  readonly #classes = new LabelTable<string>();

  constructor(options: ExecutorOptions<C>) {
    this.#options = options;
    this.#transactions = Object.entries(options.scenario.workload.transactions);
    this.#asOfMs = Date.parse(options.scenario.workload.seed.asOf);
  }

  get labels(): Labels {
    return { errors: this.#errors.labels, classes: this.#classes.labels };
  }

  /** Connections with a transaction in flight. */
  get busyConnections(): C[] {
    return Array.from(this.#busy, (connection) => this.#options.connections[connection]!);
  }

  /** How its connections are pooled; undefined where all stay open and arrivals wait for as long as it takes. */
  get pool(): PoolRules | undefined {
    const { pool, connections } = this.#options;
    if (pool === undefined) return undefined;
    const { min, idleTimeoutMs, connectionTimeoutMs } = pool;
    return {
      min,
      ...(idleTimeoutMs === undefined ? {} : { idleTimeoutUs: idleTimeoutMs * 1000 }),
      ...(connectionTimeoutMs === undefined ? {} : { connectionTimeoutUs: connectionTimeoutMs * 1000 }),
      // What a connection says when it goes is nobody's concern: it was idle.
      disconnect: (connection) => void connections[connection]!.close().catch(() => {}),
      refuse: (arrival) => this.#refuse(arrival),
    };
  }

  #refuse(arrival: number): Ending {
    this.#params.delete(arrival);
    const example = `no connection within ${this.#options.pool!.connectionTimeoutMs} ms`;
    const error = this.#errors.numberOf(poolTimeout, () => ({ code: poolTimeout, example }));
    return { fate: Fate.failed, error, retries: 0 };
  }

  /** @throws UsageError when the scenario's `params` or `classify` throws */
  prepare(arrival: number): number {
    const { catalog, seed, blockNumber, samples } = this.#options;
    const [name, transaction] = this.#transactions[samples.transaction[arrival]!]!;
    const now = new Date(this.#asOfMs + samples.dueUs[arrival]! / 1000);
    try {
      const params: unknown = transaction.params(createDraw(catalog, { seed, block: blockNumber, arrival, now }));
      this.#params.set(arrival, params);
      const label = transaction.classify?.(params);
      return label === undefined ? 0 : this.#classes.numberOf(label, () => label);
    } catch (error) {
      throw new UsageError(`The parameters of transaction ${name} cannot be drawn: ${messageOf(error)}`, {
        hint: 'Correct `params` and `classify` of this transaction in the scenario.',
        cause: error,
      });
    }
  }

  connect(connection: number): Promise<void> | undefined {
    const slot = this.#options.connections[connection]!;
    return slot.isOpen ? undefined : slot.open();
  }

  firstByteUs(connection: number): number {
    return this.#options.connections[connection]!.firstByteUs;
  }

  async execute(arrival: number, connection: number): Promise<Ending> {
    const transaction = this.#options.samples.transaction[arrival]!;
    const params = this.#params.get(arrival);
    this.#params.delete(arrival);
    this.#busy.add(connection);
    const ending = await this.#attempt(transaction, params, this.#options.connections[connection]!);
    this.#busy.delete(connection);
    return ending;
  }

  async #attempt(transaction: number, params: unknown, connection: C): Promise<Ending> {
    for (let retries = 0; ; retries++) {
      try {
        await connection.run(transaction, params);
        return { fate: Fate.succeeded, error: 0, retries };
      } catch (error) {
        const code = errorCode(error);
        if (retries < mostRetries && repeatable.has(code)) continue;
        const label = this.#errors.numberOf(code, () => ({ code, example: messageOf(error) }));
        return { fate: code === queryCanceled ? Fate.timedOut : Fate.failed, error: label, retries };
      }
    }
  }
}
