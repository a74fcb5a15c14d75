/** Runs blocks: one measured interval on one stage, carried out by worker threads. */
import type { Block } from '../result.ts';
import { importScenario } from '../scenario-module.ts';
import type { LoadSpec, SloSpec } from '../scenario.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { BlockLooks } from './block-looks.ts';
import type { BlockProgress } from './block-looks.ts';
import { monotonicClock } from './pacer.ts';
import { summarise } from './recorder.ts';
import type { BlockRecord } from './recorder.ts';
import { createSamples, mergeLabels } from './samples.ts';
import type { Samples } from './samples.ts';
import { writeSamples } from './samples-file.ts';
import { SaturationJudge } from './saturation.ts';
import type { SaturationRules } from './saturation.ts';
import { assertWorkers, buildSchedule, stripe } from './schedule.ts';
import { startWorker } from './worker-thread.ts';
import type { WorkerOrder } from './worker.ts';

export interface BlockOptions {
  /** Absolute path; every worker thread imports it. */
  scenarioFile: string;
  stage: string;
  /** Names the block in the result. */
  id: string;
  /** Blocks with the same number get the same arrivals and parameters; counted from 0 over a run. */
  blockNumber: number;
  connection: ConnectionTarget;
  seed: number;
  scale: number;
  load: LoadSpec;
  slo: SloSpec;
  /** Worker threads that share the schedule and the connections. Default 1. */
  workers?: number;
  /** File for the raw samples. */
  samplesPath: string;
  /** How the result names that file; default `samplesPath`. */
  samplesName?: string;
  /** A stage that cannot hold the rate is stopped, but not before this much counted time. Default 0. */
  minimumMs?: number;
  /** How long the queue is still served after the schedule's end. Default: statement timeout and a second. */
  drainMs?: number;
  /** More waiting arrivals than this end the block. Default 100,000. */
  backlogLimit?: number;
  signal?: AbortSignal;
  onProgress?(progress: BlockProgress): void;
}

/** Time between the last worker being ready and the start of the block. */
const startDelayUs = 20_000;

/**
 * Drives the load against one stage and summarises what happened; the raw samples are written beside.
 *
 * @throws UsageError when the scenario cannot be imported or a parameter cannot be drawn
 * @throws EnvironmentError when the server cannot be reached at the start, or a worker thread dies
 */
export async function runBlock(options: BlockOptions): Promise<Block> {
  const { load, slo, seed, blockNumber, workers = 1 } = options;
  assertWorkers(workers, load.connections);
  const scenario = await importScenario(options.scenarioFile);
  const transactions = Object.entries(scenario.workload.transactions).map(([name, { weight, access }]) => ({
    name,
    weight,
    access,
  }));
  const samples = createSamples(
    buildSchedule({
      seed,
      blockNumber,
      ratePerSecond: load.ratePerSecond,
      arrivals: load.arrivals,
      durationMs: load.warmupMs + load.durationMs,
      transactions,
    }),
  );
  const run = await carryOut(options, samples);
  const { outcome, stopMs } = endingOf(run);
  const { saturation } = run;
  const labelled = run.done.map(({ labels }, worker) => ({
    arrivals: stripe(samples.dueUs.length, worker, workers),
    labels,
  }));
  const record: BlockRecord = {
    id: options.id,
    stage: options.stage,
    startedAt: run.startedAt,
    ratePerSecond: load.ratePerSecond,
    plannedMs: load.durationMs,
    // A saturated stage serves its queue in order: nothing that was due after the warm-up may ever have been sent. All counts.
    warmupMs: outcome === 'saturated' ? 0 : load.warmupMs,
    stopMs,
    outcome,
    ...(saturation === undefined ? {} : { saturation: { atMs: saturation.atUs / 1000, backlog: saturation.backlog } }),
    transactions: transactions.map(({ name, access }) => ({ name, access })),
    ...mergeLabels(samples, labelled),
    cpuCores: run.cpuCores,
    eventLoopDelayP99Us: Math.max(...run.done.map(({ eventLoopDelayP99Us }) => eventLoopDelayP99Us)),
    workers,
  };
  await writeSamples(options.samplesPath, record, samples);
  return summarise(record, samples, slo, options.samplesName ?? options.samplesPath);
}

/** Starts all workers, lets them begin at the same instant, watches their queues together, and waits for the last. */
async function carryOut(options: BlockOptions, samples: Samples) {
  await using resources = new AsyncDisposableStack();
  const looks = resources.use(new BlockLooks(options.workers ?? 1, (progress) => options.onProgress?.(progress)));
  const workers = ordersOf(options, samples).map((order) => resources.use(startWorker(order)));
  const judge = new SaturationJudge(rulesOf(options));
  const stop = (reason: 'saturated' | 'interrupted'): void => {
    for (const worker of workers) worker.send({ kind: 'stop', reason });
  };
  const onAbort = (): void => stop('interrupted');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  resources.defer(() => options.signal?.removeEventListener('abort', onAbort));
  if (options.signal?.aborted === true) onAbort();
  await Promise.all(workers.map(({ ready }) => ready));
  const startedAt = new Date(Date.now() + startDelayUs / 1000).toISOString();
  const cpuBefore = process.cpuUsage();
  const cpuFromUs = monotonicClock.nowUs();
  for (const [number, worker] of workers.entries()) {
    worker.onLook = (look) => {
      const whole = looks.add(number, look);
      if (whole !== undefined && judge.look(whole)) stop('saturated');
    };
    worker.send({ kind: 'start', startUs: cpuFromUs + startDelayUs });
  }
  const done = await Promise.all(workers.map((worker) => worker.done));
  const cpu = process.cpuUsage(cpuBefore);
  const cpuCores = (cpu.user + cpu.system) / (monotonicClock.nowUs() - cpuFromUs);
  return { done, saturation: judge.saturation, startedAt, cpuCores };
}

function ordersOf(options: BlockOptions, samples: Samples): WorkerOrder[] {
  const { load, workers = 1 } = options;
  return Array.from({ length: workers }, (_, worker) => ({
    scenarioFile: options.scenarioFile,
    stage: options.stage,
    connection: options.connection,
    seed: options.seed,
    scale: options.scale,
    blockNumber: options.blockNumber,
    load,
    drainMs: options.drainMs ?? load.statementTimeoutMs + 1000,
    samples,
    worker,
    workers,
    connections: stripe(load.connections, worker, workers).length,
  }));
}

function rulesOf({ load, minimumMs = 0, backlogLimit = 100_000 }: BlockOptions): SaturationRules {
  return {
    warmupUs: load.warmupMs * 1000,
    endUs: (load.warmupMs + load.durationMs) * 1000,
    minimumUs: minimumMs * 1000,
    backlogLimit,
  };
}

/** How the block ended, from how its workers did: it was stopped for all when it was stopped for one. */
function endingOf({ done, saturation }: Awaited<ReturnType<typeof carryOut>>): Pick<BlockRecord, 'outcome' | 'stopMs'> {
  const interrupted = done.some(({ result }) => result.outcome === 'interrupted');
  return {
    outcome: interrupted ? 'interrupted' : saturation === undefined ? 'complete' : 'saturated',
    stopMs: Math.max(...done.map(({ result }) => result.stopUs)) / 1000,
  };
}
