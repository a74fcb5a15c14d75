/** Serial latency of the read transactions of a stage: one at a time on one warm connection, nothing else going on. */
import type { Client } from 'pg';
import { Bench } from 'tinybench';
import { withClient } from '../database.ts';
import type { ProbeFigures } from '../result.ts';
import { importScenario } from '../scenario-module.ts';
import type { TransactionBody, TransactionClient } from '../scenario.ts';
import { createCatalog } from '../seed/catalog.ts';
import { errorCode } from './client.ts';
import { ConnectionSet } from './connection-set.ts';
import { createDraw } from './draw.ts';
import { planTransactions, stageNamed } from './executor.ts';
import type { PlannedTransaction } from './client.ts';
import { loadTypes } from './prepared.ts';
import type { DatabaseRoute } from './route.ts';

export interface ProbeOptions extends DatabaseRoute {
  /** Absolute path. */
  scenarioFile: string;
  stage: string;
  seed: number;
  scale: number;
  statementTimeoutMs: number;
  /** As in LoadSpec. Default true. */
  prepared?: boolean;
  /** Measured time of each transaction and class; a run that is under way when it ends is still finished. Default 2 s. */
  budgetMs?: number;
  signal?: AbortSignal;
  onTransaction?(name: string, done: number, total: number): void;
}

/** Apart from the blocks of the load and from the answers, so that parameters never depend on each other. */
const probeBlock = 900_001;
const setsBetweenTransactions = 100_000;
/** Parameter sets of each class, used in turn, the same in every stage. */
const setsPerClass = 20;
/** Draws in search of rare classes. */
const mostDraws = 5000;
/** Of these sets, at most, the plans are asked for. */
const explainedSets = 10;
const queryCanceled = '57014';

/** Parameter sets of one transaction that are reported together. */
interface Group {
  transaction: number;
  name: string;
  class?: string;
  sets: unknown[];
}

/**
 * Times every read transaction of a stage, classes of parameters apart.
 *
 * @throws EnvironmentError when the server cannot be reached
 * @throws the signal's reason when aborted
 */
export async function probeStage(options: ProbeOptions): Promise<ProbeFigures[]> {
  const scenario = await importScenario(options.scenarioFile);
  const transactions = planTransactions(scenario, stageNamed(scenario, options.stage));
  const groups = await drawGroups(options);
  const { statementTimeoutMs, prepared = true, signal } = options;
  await using set = await ConnectionSet.open({ route: options, statementTimeoutMs, prepared, transactions }, 1);
  let terminated: Promise<void> | undefined;
  // The statement in flight fails, so that an interruption does not wait for it.
  const onAbort = (): void => void (terminated = set.terminate(set.connections).catch(() => {}));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await probeGroups(groups, transactions, set, options);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await terminated;
  }
}

async function probeGroups(
  groups: readonly Group[],
  transactions: readonly PlannedTransaction[],
  set: ConnectionSet,
  options: ProbeOptions,
): Promise<ProbeFigures[]> {
  const { signal } = options;
  const figures: ProbeFigures[] = [];
  for (const [turn, group] of groups.entries()) {
    signal?.throwIfAborted();
    options.onTransaction?.(group.name, turn, groups.length);
    const run = (params: unknown): Promise<unknown> => set.connections[0]!.run(group.transaction, params);
    const timed = await time(run, group, options);
    signal?.throwIfAborted();
    figures.push({ ...timed, ...(await explain(transactions[group.transaction]!, group, options)) });
  }
  return figures;
}

/** Draws until every class that occurs has its sets, or has proved too rare for as many. */
async function drawGroups({ scenarioFile, seed, scale }: ProbeOptions): Promise<Group[]> {
  const { workload } = await importScenario(scenarioFile);
  const catalog = createCatalog(workload.seed, { seed, scale });
  const now = new Date(workload.seed.asOf);
  return Object.entries(workload.transactions).flatMap(([name, spec], transaction) => {
    if (spec.access !== 'read') return [];
    const groups = new Map<string | undefined, Group>();
    for (let turn = 0; turn < (spec.classify ? mostDraws : setsPerClass); turn++) {
      const arrival = transaction * setsBetweenTransactions + turn;
      const params: unknown = spec.params(createDraw(catalog, { seed, block: probeBlock, arrival, now }));
      const label = spec.classify?.(params);
      const group = groups.get(label) ?? {
        transaction,
        name,
        sets: [],
        ...(label === undefined ? {} : { class: label }),
      };
      groups.set(label, group);
      if (group.sets.length < setsPerClass) group.sets.push(params);
    }
    return [...groups.values()].toSorted((a, b) => ((a.class ?? '') < (b.class ?? '') ? -1 : 1));
  });
}

/** Errors take time like answers do: they are counted, not thrown. */
async function time(
  run: (params: unknown) => Promise<unknown>,
  group: Group,
  { stage, budgetMs = 2000, signal }: ProbeOptions,
): Promise<ProbeFigures> {
  let turn = 0;
  let [timedOut, failed] = [0, 0];
  // One run each is the least: a slow transaction ends with its budget and not after so many runs.
  const bench = new Bench({
    time: budgetMs,
    iterations: 1,
    warmupTime: budgetMs / 4,
    warmupIterations: 1,
    retainSamples: true,
    throws: true,
    ...(signal === undefined ? {} : { signal }),
  });
  const restart = (): void => {
    turn = 0;
    [timedOut, failed] = [0, 0];
  };
  const attempt = async (): Promise<void> => {
    try {
      await run(group.sets[turn++ % group.sets.length]);
    } catch (error) {
      if (errorCode(error) === queryCanceled) timedOut++;
      else failed++;
    }
  };
  bench.add(group.name, attempt, { beforeAll: restart });
  const [task] = await bench.run();
  const { result } = task!;
  if (!('latency' in result)) throw signal?.reason ?? new Error(`Probing ${group.name} ended ${result.state}.`);
  const { mean, min, max, p50, samplesCount, samples = [] } = result.latency;
  return {
    stage,
    transaction: group.name,
    ...(group.class === undefined ? {} : { class: group.class }),
    runs: samplesCount,
    parameterSets: Math.min(samplesCount, group.sets.length),
    minUs: min * 1000,
    meanUs: mean * 1000,
    p50Us: p50 * 1000,
    p95Us: samples[Math.max(0, Math.ceil(samples.length * 0.95) - 1)]! * 1000,
    maxUs: max * 1000,
    timedOut,
    failed,
  };
}

/** Planning and execution time as the server has them (EXPLAIN ANALYZE), medians over some sets; nothing where one failed. */
async function explain(
  { body }: PlannedTransaction,
  { sets }: Group,
  { connection, direct = connection, statementTimeoutMs, budgetMs = 2000, signal }: ProbeOptions,
): Promise<{ planUs?: number; executionUs?: number }> {
  return withClient(direct, async (client) => {
    await client.query(`SET statement_timeout = ${statementTimeoutMs}`);
    const untilMs = performance.now() + budgetMs;
    const found: { planUs: number; executionUs: number }[] = [];
    for (const params of sets.slice(0, explainedSets)) {
      if (signal?.aborted === true || (found.length > 0 && performance.now() > untilMs)) break;
      const sum = await explainOnce(client, body, params).catch(() => undefined);
      if (sum === undefined) return {};
      found.push(sum);
    }
    return {
      planUs: median(found.map(({ planUs }) => planUs)),
      executionUs: median(found.map(({ executionUs }) => executionUs)),
    };
  });
}

interface Explained {
  'Planning Time': number;
  'Execution Time': number;
}

/** Carries the transaction out, each statement once for its plan and once for its rows, and takes everything back. */
async function explainOnce(client: Client, body: TransactionBody, params: unknown) {
  const sum = { planUs: 0, executionUs: 0 };
  const explaining: TransactionClient = {
    query: async (statement, values = []) => {
      const text = body.statements[statement]!;
      const { rows } = await client.query<{ 'QUERY PLAN': Explained[] }>(
        `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${text}`,
        [...values],
      );
      const [plan] = rows[0]!['QUERY PLAN'];
      sum.planUs += plan!['Planning Time'] * 1000;
      sum.executionUs += plan!['Execution Time'] * 1000;
      return (await client.query({ text, values: [...values], types: loadTypes })).rows;
    },
  };
  await client.query('BEGIN');
  try {
    await body.run(explaining, params);
  } finally {
    await client.query('ROLLBACK');
  }
  return sum;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
