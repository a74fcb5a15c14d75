/** Runs blocks: one measured interval on one stage, carried out by worker threads. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { EnvironmentError, ExitCode, messageOf, UsageError } from '../errors.ts';
import type { PgrehearseError } from '../errors.ts';
import type { Block } from '../result.ts';
import { importScenario } from '../scenario-module.ts';
import type { LoadSpec, SloSpec } from '../scenario.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { monotonicClock } from './pacer.ts';
import { summarise } from './recorder.ts';
import type { BlockRecord } from './recorder.ts';
import { createSamples } from './samples.ts';
import type { Samples } from './samples.ts';
import { writeSamples } from './samples-file.ts';
import { buildSchedule } from './schedule.ts';
import type { WorkerCommand, WorkerOrder, WorkerReport } from './worker.ts';

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

/** A look at a running block, about ten times a second. */
interface BlockProgress {
  /** From the start of the block; warm-up included. */
  elapsedMs: number;
  completed: number;
  failed: number;
  /** Arrivals that wait for a connection. */
  backlog: number;
  /** Of the response times so far, warm-up included. */
  p95Us: number;
}

type Done = Extract<WorkerReport, { kind: 'done' }>;

/** Time between the last worker being ready and the start of the block. */
const startDelayUs = 20_000;

/**
 * Drives the load against one stage and summarises what happened; the raw samples are written beside.
 *
 * @throws UsageError when the scenario cannot be imported or a parameter cannot be drawn
 * @throws EnvironmentError when the server cannot be reached at the start, or a worker thread dies
 */
export async function runBlock(options: BlockOptions): Promise<Block> {
  const { load, slo, seed, blockNumber } = options;
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
  const { result, labels } = run.done;
  const record: BlockRecord = {
    id: options.id,
    stage: options.stage,
    startedAt: run.startedAt,
    ratePerSecond: load.ratePerSecond,
    plannedMs: load.durationMs,
    // A saturated stage serves its queue in order: nothing that was due after the warm-up may ever have been sent. All counts.
    warmupMs: result.outcome === 'saturated' ? 0 : load.warmupMs,
    stopMs: result.stopUs / 1000,
    outcome: result.outcome,
    ...(result.saturation === undefined
      ? {}
      : { saturation: { atMs: result.saturation.atUs / 1000, backlog: result.saturation.backlog } }),
    transactions: transactions.map(({ name, access }) => ({ name, access })),
    ...labels,
    cpuCores: run.cpuCores,
    eventLoopDelayP99Us: run.done.eventLoopDelayP99Us,
    workers: 1,
  };
  await writeSamples(options.samplesPath, record, samples);
  return summarise(record, samples, slo, options.samplesName ?? options.samplesPath);
}

async function carryOut(options: BlockOptions, samples: Samples) {
  const { load } = options;
  const worker = startWorker({
    scenarioFile: options.scenarioFile,
    stage: options.stage,
    connection: options.connection,
    seed: options.seed,
    scale: options.scale,
    blockNumber: options.blockNumber,
    load,
    minimumMs: options.minimumMs ?? 0,
    drainMs: options.drainMs ?? load.statementTimeoutMs + 1000,
    backlogLimit: options.backlogLimit ?? 100_000,
    samples,
    worker: 0,
    workers: 1,
    connections: load.connections,
  });
  const onAbort = (): void => worker.send({ kind: 'stop' });
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted === true) onAbort();
  try {
    await worker.ready;
    const startedAt = new Date(Date.now() + startDelayUs / 1000).toISOString();
    const startUs = monotonicClock.nowUs() + startDelayUs;
    const cpuBefore = process.cpuUsage();
    const cpuFromUs = monotonicClock.nowUs();
    worker.onProgress = (progress) => options.onProgress?.(progress);
    worker.send({ kind: 'start', startUs });
    const done = await worker.done;
    const cpu = process.cpuUsage(cpuBefore);
    return { done, startedAt, cpuCores: (cpu.user + cpu.system) / (monotonicClock.nowUs() - cpuFromUs) };
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
    await worker.end();
  }
}

interface RunningWorker {
  /** Resolves when it could start at once. */
  ready: Promise<void>;
  done: Promise<Done>;
  onProgress: (progress: BlockProgress) => void;
  send(command: WorkerCommand): void;
  end(): Promise<void>;
}

function startWorker(order: WorkerOrder): RunningWorker {
  const file = new URL('./worker' + extname(fileURLToPath(import.meta.url)), import.meta.url);
  const thread = new Worker(file, { workerData: order });
  const ready = Promise.withResolvers<void>();
  const done = Promise.withResolvers<Done>();
  // Whoever waits for `ready` gets the failure too; nobody need wait for both.
  ready.promise.catch(() => {});
  done.promise.catch(() => {});
  const fail = (error: Error): void => {
    ready.reject(error);
    done.reject(error);
  };
  const running: RunningWorker = {
    ready: ready.promise,
    done: done.promise,
    onProgress: () => {},
    send: (command) => thread.postMessage(command),
    end: async () => void (await thread.terminate()),
  };
  thread.on('message', (message: WorkerReport) => {
    if (message.kind === 'ready') ready.resolve();
    else if (message.kind === 'done') done.resolve(message);
    else if (message.kind === 'failed') fail(failureOf(message));
    else running.onProgress(progressOf(message));
  });
  thread.on('error', (error) => fail(crashed(messageOf(error), error)));
  thread.on('exit', (code) => fail(crashed(`it ended with code ${code}`)));
  return running;
}

/** Error classes do not survive the way between threads. */
function failureOf({ exitCode, message, hint }: Extract<WorkerReport, { kind: 'failed' }>): PgrehearseError {
  const details = hint === undefined ? {} : { hint };
  return exitCode === ExitCode.usage ? new UsageError(message, details) : new EnvironmentError(message, details);
}

function crashed(reason: string, cause?: unknown): EnvironmentError {
  return new EnvironmentError(`A worker thread of the load generator died: ${reason}.`, {
    hint: 'The block has no result; run again, and report the message if it recurs.',
    cause,
  });
}

function progressOf({ progress, p95Us }: Extract<WorkerReport, { kind: 'progress' }>): BlockProgress {
  const { elapsedUs, completed, failed, waiting } = progress;
  return { elapsedMs: elapsedUs / 1000, completed, failed, backlog: waiting, p95Us };
}
