/** Serial latency of the read transactions of a stage: one at a time on one warm connection, nothing else going on. */
import { Bench } from 'tinybench';
import { withClient } from '../database.ts';
import type { ProbeFigures } from '../result.ts';
import { importScenario } from '../scenario-module.ts';
import { errorCode } from './client.ts';
import type { PlannedTransaction } from './client.ts';
import { ConnectionSet } from './connection-set.ts';
import { planTransactions, stageNamed } from './executor.ts';
import { explainTransaction } from './explain.ts';
import { drawParameters } from './parameter-sets.ts';
import type { ParameterGroup } from './parameter-sets.ts';
import type { DatabaseRoute } from './route.ts';
import { median } from '../stats/median.ts';

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

/** Parameter sets of each class, used in turn, the same in every stage. */
const setsPerClass = 20;
/** Of these sets, at most, the plans are asked for. */
const explainedSets = 10;
const queryCanceled = '57014';

/**
 * Times every read transaction of a stage, classes of parameters apart.
 *
 * @throws EnvironmentError when the server cannot be reached
 * @throws the signal's reason when aborted
 */
export async function probeStage(options: ProbeOptions): Promise<ProbeFigures[]> {
  const scenario = await importScenario(options.scenarioFile);
  const transactions = planTransactions(scenario, stageNamed(scenario, options.stage));
  const groups = await drawParameters(options, 'read', setsPerClass);
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
  groups: readonly ParameterGroup[],
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

/** Errors take time like answers do: they are counted, not thrown. */
async function time(
  run: (params: unknown) => Promise<unknown>,
  group: ParameterGroup,
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
  { sets }: ParameterGroup,
  { connection, direct = connection, statementTimeoutMs, budgetMs = 2000, signal }: ProbeOptions,
): Promise<{ planUs?: number; executionUs?: number }> {
  return withClient(direct, async (client) => {
    await client.query(`SET statement_timeout = ${statementTimeoutMs}`);
    const untilMs = performance.now() + budgetMs;
    const found: { planUs: number; executionUs: number }[] = [];
    for (const params of sets.slice(0, explainedSets)) {
      if (signal?.aborted === true || (found.length > 0 && performance.now() > untilMs)) break;
      const explained = await explainTransaction(client, body, params).catch(() => undefined);
      if (explained === undefined) return {};
      const sumMs = (time: 'Planning Time' | 'Execution Time'): number =>
        explained.reduce((sum, own) => sum + own[time], 0);
      found.push({ planUs: sumMs('Planning Time') * 1000, executionUs: sumMs('Execution Time') * 1000 });
    }
    if (found.length === 0) return {};
    return {
      planUs: median(found.map(({ planUs }) => planUs)),
      executionUs: median(found.map(({ executionUs }) => executionUs)),
    };
  });
}
