/** Thread of the load generator: carries out its stripe of a block. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { EnvironmentError, messageOf, PgrehearseError } from '../errors.ts';
import { importScenario } from '../scenario-module.ts';
import type { LoadSpec } from '../scenario.ts';
import { createCatalog } from '../seed/catalog.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { ConnectionSet } from './client.ts';
import { drive } from './drive.ts';
import type { DriveProgress, DriveResult } from './drive.ts';
import { planTransactions, PostgresExecutor, stageNamed } from './executor.ts';
import { monotonicClock, ThreadPacer } from './pacer.ts';
import type { Labels, Samples } from './samples.ts';
import { stripe } from './schedule.ts';

/** What a worker is told when it is created. */
export interface WorkerOrder {
  scenarioFile: string;
  stage: string;
  connection: ConnectionTarget;
  seed: number;
  scale: number;
  blockNumber: number;
  load: LoadSpec;
  drainMs: number;
  samples: Samples;
  worker: number;
  workers: number;
  /** Connections of this worker: its share of the load's. */
  connections: number;
}

/** To the worker: start at this instant of the machine's monotonic clock, or stop early for this reason. */
export type WorkerCommand = { kind: 'start'; startUs: number } | { kind: 'stop'; reason: 'saturated' | 'interrupted' };

/** From the worker, in this order. */
export type WorkerReport =
  | { kind: 'ready' }
  /** With the response times that ended since the last look. */
  | { kind: 'progress'; progress: DriveProgress; responsesUs: Float64Array }
  | { kind: 'done'; result: DriveResult; labels: Labels; eventLoopDelayP99Us: number }
  | { kind: 'failed'; exitCode: number; message: string; hint: string | undefined };

const rehearsedDraws = 200;
/** Sampling every millisecond would cost two per cent of a core. */
const loopDelayIntervalMs = 10;

type Done = Extract<WorkerReport, { kind: 'done' }>;

const port = parentPort!;
const order = workerData as WorkerOrder;
const report = (message: WorkerReport): void => port.postMessage(message);

function reportFailure(error: unknown): void {
  const known =
    error instanceof PgrehearseError
      ? error
      : new EnvironmentError(`The load generator had to stop: ${messageOf(error)}`, {
          hint: 'If a transaction of the scenario starts a query without awaiting it, await it.',
        });
  report({ kind: 'failed', exitCode: known.exitCode, message: known.message, hint: known.hint });
}

/** Resolves with the instant to start at; `stop` is aborted by the command to stop, before or after. */
function listen(stop: AbortController): Promise<number> {
  return new Promise((resolve) => {
    port.on('message', (command: WorkerCommand) => {
      if (command.kind === 'start') resolve(command.startUs);
      else stop.abort(command.reason);
    });
  });
}

async function work(): Promise<Done> {
  const stop = new AbortController();
  const start = listen(stop);
  const scenario = await importScenario(order.scenarioFile);
  const { load, samples } = order;
  const transactions = planTransactions(scenario, stageNamed(scenario, order.stage));
  await using pacer = await ThreadPacer.start();
  await using set = await ConnectionSet.open(
    { target: order.connection, statementTimeoutMs: load.statementTimeoutMs, transactions },
    order.connections,
  );
  const executor = new PostgresExecutor({
    scenario,
    catalog: createCatalog(scenario.workload.seed, { seed: order.seed, scale: order.scale }),
    seed: order.seed,
    blockNumber: order.blockNumber,
    samples,
    connections: set.connections,
  });
  const arrivals = stripe(samples.dueUs.length, order.worker, order.workers);
  // Drawn twice: the first draws build tables and are compiled, and a fault of the scenario should show before the load starts.
  for (const arrival of arrivals.subarray(0, rehearsedDraws)) executor.prepare(arrival);
  report({ kind: 'ready' });
  const startUs = await start;
  let responsesUs: number[] = [];
  const eventLoopDelay = monitorEventLoopDelay({ resolution: loopDelayIntervalMs });
  eventLoopDelay.enable();
  const result = await drive({
    samples,
    arrivals,
    clock: monotonicClock,
    pacer,
    executor,
    connections: order.connections,
    startUs,
    warmupUs: load.warmupMs * 1000,
    endUs: (load.warmupMs + load.durationMs) * 1000,
    drainUs: order.drainMs * 1000,
    signal: stop.signal,
    onProgress: (progress) => {
      report({ kind: 'progress', progress, responsesUs: Float64Array.from(responsesUs) });
      responsesUs = [];
    },
    onEnd: (responseUs) => void responsesUs.push(responseUs),
  });
  eventLoopDelay.disable();
  await set.terminate(executor.busyConnections);
  // Node records the whole time between its samples.
  const eventLoopDelayP99Us = Math.max(0, eventLoopDelay.percentile(99) / 1000 - loopDelayIntervalMs * 1000);
  return { kind: 'done', result, labels: executor.labels, eventLoopDelayP99Us };
}

// What is thrown in a callback (drawing parameters, for instance) ends the block like anything else.
process.on('uncaughtException', (error) => {
  reportFailure(error);
  process.exit(1);
});
// Told last, when connections and pacer are closed: the thread is ended on it.
await work().then(report, reportFailure);
port.close();
