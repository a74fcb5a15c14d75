/** Thread of the load generator: keeps its connections to one stage and carries out its stripe of each block. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { EnvironmentError, messageOf, PgrehearseError } from '../errors.ts';
import type { PlanChoice } from '../observe/record.ts';
import type { LoadSpec } from '../scenario.ts';
import { drive } from './drive.ts';
import type { DriveProgress, DriveResult } from './drive.ts';
import { monotonicClock, ThreadPacer } from './pacer.ts';
import { askForPrecedence, type Precedence } from './precedence.ts';
import type { Labels, Samples } from './samples.ts';
import { stripe } from './schedule.ts';
import { openPostgresTarget } from './target.ts';
import type { Destination, LoadTarget, TargetOrder } from './target.ts';

/** What a worker is told when it is created: it connects to one stage and waits for blocks. */
export type SessionOrder = TargetOrder & Destination & { worker: number; workers: number; ratePerSecond: number };

/** One block to carry out. */
export interface BlockOrder {
  blockNumber: number;
  load: LoadSpec;
  drainMs: number;
  samples: Samples;
  /** To be asked for at its end. */
  planChoices: boolean;
}

/**
 * To the worker: get ready for a block, start it at this instant of the machine's monotonic clock, stop it early for this reason, or
 * close the connections and end.
 */
export type WorkerCommand =
  | { kind: 'block'; block: BlockOrder }
  | { kind: 'start'; startUs: number }
  | { kind: 'stop'; reason: 'saturated' | 'interrupted' }
  | { kind: 'close' };

/** From the worker: `opened` once, then for each block `ready`, looks, and `done`. */
export type WorkerReport =
  | { kind: 'opened' }
  | { kind: 'ready' }
  /** With the response times that ended since the last look. */
  | { kind: 'progress'; progress: DriveProgress; responsesUs: Float64Array }
  | {
      kind: 'done';
      result: DriveResult;
      labels: Labels;
      eventLoopDelayP99Us: number;
      precedence: Precedence;
      planChoices: PlanChoice[];
    }
  | { kind: 'failed'; exitCode: number; message: string; hint: string | undefined };

const rehearsedDraws = 200;
/** Sampling every millisecond would cost two per cent of a core. */
const loopDelayIntervalMs = 10;

type Done = Extract<WorkerReport, { kind: 'done' }>;

const port = parentPort!;
const order = workerData as SessionOrder;
// Before the thread of the pacer is started, which inherits it.
const precedence = askForPrecedence(order);
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

/** A block that was ordered: its start and its stop come later, in either order. */
class OrderedBlock {
  readonly order: BlockOrder;
  readonly start = Promise.withResolvers<number>();
  readonly stop = new AbortController();

  constructor(order: BlockOrder) {
    this.order = order;
  }
}

/** The blocks as they are ordered, until the command to close. Commands to start and to stop concern the latest. */
async function* orderedBlocks(): AsyncGenerator<OrderedBlock> {
  let block: OrderedBlock | undefined;
  let next = Promise.withResolvers<OrderedBlock | undefined>();
  port.on('message', (command: WorkerCommand) => {
    if (command.kind === 'block') next.resolve((block = new OrderedBlock(command.block)));
    else if (command.kind === 'start') block?.start.resolve(command.startUs);
    else if (command.kind === 'stop') block?.stop.abort(command.reason);
    else next.resolve(undefined);
  });
  for (;;) {
    const ordered = await next.promise;
    if (ordered === undefined) return;
    next = Promise.withResolvers();
    yield ordered;
  }
}

async function work(): Promise<void> {
  const blocks = orderedBlocks();
  await using pacer = await ThreadPacer.start();
  await using target = await openTarget();
  report({ kind: 'opened' });
  for await (const block of blocks) report(await carryOut(block, pacer, target));
}

async function openTarget(): Promise<LoadTarget> {
  if ('connection' in order) return openPostgresTarget(order);
  // Loaded here, because most loads are not of requests.
  const { openHttpTarget } = await import('../http/target.ts');
  return openHttpTarget(order);
}

async function carryOut(block: OrderedBlock, pacer: ThreadPacer, target: LoadTarget): Promise<Done> {
  const { load, samples, blockNumber, drainMs } = block.order;
  const executor = await target.begin({ blockNumber, samples });
  const arrivals = stripe(samples.dueUs.length, order.worker, order.workers);
  // Drawn twice: the first draws build tables and are compiled, and a fault of the scenario should show before the load starts.
  for (const arrival of arrivals.subarray(0, rehearsedDraws)) executor.prepare(arrival);
  report({ kind: 'ready' });
  const startUs = await block.start.promise;
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
    ...(executor.pool === undefined ? {} : { pool: executor.pool }),
    startUs,
    warmupUs: load.warmupMs * 1000,
    endUs: (load.warmupMs + load.durationMs) * 1000,
    drainUs: drainMs * 1000,
    signal: block.stop.signal,
    onProgress: (progress) => {
      report({ kind: 'progress', progress, responsesUs: Float64Array.from(responsesUs) });
      responsesUs = [];
    },
    onEnd: (responseUs) => void responsesUs.push(responseUs),
  });
  eventLoopDelay.disable();
  await target.end();
  // Node records the whole time between its samples.
  const eventLoopDelayP99Us = Math.max(0, eventLoopDelay.percentile(99) / 1000 - loopDelayIntervalMs * 1000);
  const planChoices = block.order.planChoices ? ((await target.planChoices?.()) ?? []) : [];
  return { kind: 'done', result, labels: executor.labels, eventLoopDelayP99Us, precedence, planChoices };
}

// What is thrown in a callback (drawing parameters, for instance) ends the session like anything else.
process.on('uncaughtException', (error) => {
  reportFailure(error);
  process.exit(1);
});
await work().catch(reportFailure);
port.close();
