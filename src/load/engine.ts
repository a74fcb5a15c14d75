/** Runs blocks: measured intervals on one stage, carried out by worker threads that keep their connections. */
import { isDeepStrictEqual } from 'node:util';
import { importHttpScenario } from '../http/scenario.ts';
import { sumPlanChoices } from '../observe/plan-choices.ts';
import type { Block, JobRun } from '../result.ts';
import { importScenario } from '../scenario-module.ts';
import type { JobSpec, LoadSpec, PoolSpec, RatePoint, SloSpec } from '../scenario.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { BlockLooks } from './block-looks.ts';
import type { BlockProgress } from './block-looks.ts';
import type { PoolSettings } from './executor.ts';
import { coresFor } from './idle-cores.ts';
import { BackgroundJobs } from './jobs.ts';
import type { JobRecord } from './jobs.ts';
import { monotonicClock } from './pacer.ts';
import { holdSessionWeight, type Precedence } from './precedence.ts';
import { summarise } from './recorder.ts';
import type { BlockRecord } from './recorder.ts';
import { createSamples, mergeLabels } from './samples.ts';
import type { Samples } from './samples.ts';
import { writeSamples } from './samples-file.ts';
import { SaturationJudge } from './saturation.ts';
import type { SaturationRules } from './saturation.ts';
import { assertWorkers, buildSchedule, stripe } from './schedule.ts';
import type { Destination } from './target.ts';
import { SessionWorker } from './worker-thread.ts';
import type { WorkerDone } from './worker-thread.ts';
import type { BlockOrder, SessionOrder, WorkerCommand } from './worker.ts';

/** One stage that load can be driven against. */
export type SessionOptions = SessionBasics & Destination;

interface SessionBasics {
  /** Absolute path; every worker thread imports it. */
  scenarioFile: string;
  stage: string;
  seed: number;
  scale: number;
  /** Of all blocks of the session; the rate tells how the threads are scheduled, and may differ a little. */
  load: Pick<LoadSpec, 'ratePerSecond' | 'connections' | 'statementTimeoutMs' | 'prepared' | 'pool'>;
  /** Worker threads that share the schedule and the connections. Default 1. */
  workers?: number;
}

/** One block of a session. */
export interface SessionBlockOptions {
  /** Names the block in the result. */
  id: string;
  /** Blocks with the same number get the same arrivals and parameters; counted from 0 over a run. */
  blockNumber: number;
  load: Omit<LoadSpec, 'shape'>;
  /** How the rate changes after the warm-up; the load's rate is the mean. Default: not at all. */
  shape?: readonly RatePoint[];
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
  /** Run beside the load. Default: none. */
  jobs?: Readonly<Record<string, JobSpec>>;
  /** Asks every connection at the end how its statements were planned. Default false. */
  planChoices?: boolean;
  signal?: AbortSignal;
  onProgress?(progress: BlockProgress): void;
}

/** A block with a session of its own. */
export type BlockOptions = SessionBlockOptions & Omit<SessionBasics, 'load'> & Destination;

/** Time between the last worker being ready and the start of the block. */
const startDelayUs = 20_000;

/**
 * Drives one block against a stage, with connections that are opened for it.
 *
 * @throws what `LoadSession.open` and `LoadSession.runBlock` throw
 */
export async function runBlock(options: BlockOptions): Promise<Block> {
  await using session = await LoadSession.open(options);
  // Awaited here: the session must not be closed while the block runs.
  return await session.runBlock(options);
}

/** Workers with their connections open to one stage: between blocks they stay warm. Disposing closes the connections. */
export class LoadSession implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly #offered: readonly Offered[];
  readonly #workers: readonly SessionWorker[];
  readonly #resources: AsyncDisposableStack;

  private constructor(
    options: SessionOptions,
    offered: readonly Offered[],
    workers: readonly SessionWorker[],
    resources: AsyncDisposableStack,
  ) {
    this.#options = options;
    this.#offered = offered;
    this.#workers = workers;
    this.#resources = resources;
  }

  /**
   * @throws UsageError when the scenario cannot be imported or there are fewer connections than workers
   * @throws EnvironmentError when the server cannot be reached
   */
  static async open(options: SessionOptions): Promise<LoadSession> {
    const { load, workers = 1 } = options;
    assertWorkers(workers, load.connections);
    const offered = await offeredBy(options);
    await using resources = new AsyncDisposableStack();
    resources.use(holdSessionWeight({ workers, ratePerSecond: load.ratePerSecond }));
    const threads = ordersOf(options).map((order) => resources.use(new SessionWorker(order)));
    await Promise.all(threads.map(({ opened }) => opened));
    return new LoadSession(options, offered, threads, resources.move());
  }

  /**
   * Drives the load and summarises what happened; the raw samples are written beside. One block at a time.
   *
   * @throws UsageError when a parameter cannot be drawn
   * @throws EnvironmentError when a worker thread dies, a background job cannot connect, or idle cores cannot be kept awake as asked
   */
  async runBlock(options: SessionBlockOptions): Promise<Block> {
    const { load, shape, slo, blockNumber } = options;
    const { seed, stage, workers = 1 } = this.#options;
    const transactions = this.#offered;
    const samples = createSamples(
      buildSchedule({
        seed,
        blockNumber,
        ratePerSecond: load.ratePerSecond,
        arrivals: load.arrivals,
        durationMs: load.warmupMs + load.durationMs,
        ...(shape === undefined ? {} : { shape: { points: shape, warmupMs: load.warmupMs } }),
        transactions,
      }),
    );
    const run = await this.#carryOut(options, samples);
    const { outcome, stopMs } = endingOf(run);
    const { saturation } = run;
    const labelled = run.done.map(({ labels }, worker) => ({
      arrivals: stripe(samples.dueUs.length, worker, workers),
      labels,
    }));
    const record: BlockRecord = {
      id: options.id,
      stage,
      startedAt: run.startedAt,
      ratePerSecond: load.ratePerSecond,
      ...(shape === undefined ? {} : { shape }),
      plannedMs: load.durationMs,
      // A saturated stage serves its queue in order: nothing that was due after the warm-up may ever have been sent. All counts.
      warmupMs: outcome === 'saturated' ? 0 : load.warmupMs,
      stopMs,
      outcome,
      ...(saturation === undefined
        ? {}
        : { saturation: { atMs: saturation.atUs / 1000, backlog: saturation.backlog } }),
      transactions: transactions.map(({ name, access }) => ({ name, access })),
      ...mergeLabels(samples, labelled),
      cpuCores: run.cpuCores,
      eventLoopDelayP99Us: Math.max(...run.done.map(({ eventLoopDelayP99Us }) => eventLoopDelayP99Us)),
      workers,
      precedence: precedenceOf(run.done),
      pool: poolUse(this.#options.load, run.done),
    };
    await writeSamples(options.samplesPath, record, samples);
    const block = summarise(record, samples, slo, options.samplesName ?? options.samplesPath);
    if (options.jobs !== undefined) block.jobs = jobRuns(run, record.warmupMs);
    const planChoices = sumPlanChoices(run.done.flatMap((done) => done.planChoices));
    if (planChoices.length > 0) block.planChoices = planChoices;
    return block;
  }

  /** Lets all workers begin at the same instant, watches their queues together, and waits for the last. */
  async #carryOut(options: SessionBlockOptions, samples: Samples): Promise<Carried> {
    const database = serverOf(this.#options);
    await using jobs = options.jobs && database && (await BackgroundJobs.open(database, options.jobs));
    using resources = new DisposableStack();
    resources.use(coresFor(options.load));
    const looks = resources.use(new BlockLooks(this.#workers.length, (progress) => options.onProgress?.(progress)));
    const order = blockOrder(options, samples);
    const blocks = this.#workers.map((worker) => worker.begin(order));
    const tell = (command: WorkerCommand): void => this.#workers.forEach((worker) => worker.send(command));
    const judge = new SaturationJudge(rulesOf(options));
    const onAbort = (): void => tell({ kind: 'stop', reason: 'interrupted' });
    options.signal?.addEventListener('abort', onAbort, { once: true });
    resources.defer(() => options.signal?.removeEventListener('abort', onAbort));
    if (options.signal?.aborted === true) onAbort();
    await Promise.all(blocks.map(({ ready }) => ready));
    const startedAt = new Date(Date.now() + startDelayUs / 1000).toISOString();
    const ofWhole = cpuMeter();
    for (const [number, block] of blocks.entries()) {
      block.onLook = (look) => {
        const whole = looks.add(number, look);
        if (whole !== undefined && judge.look(whole)) tell({ kind: 'stop', reason: 'saturated' });
      };
    }
    const startUs = monotonicClock.nowUs() + startDelayUs;
    tell({ kind: 'start', startUs });
    let ofCounted = ofWhole;
    resources.defer(monotonicClock.at(startUs + options.load.warmupMs * 1000, () => (ofCounted = cpuMeter())));
    const jobRecords = jobs?.start(startUs) ?? [];
    const done = await Promise.all(blocks.map((block) => block.done));
    // Of a saturated block all counts.
    const cpuCores = judge.saturation === undefined ? ofCounted() : ofWhole();
    await jobs?.stop();
    return { done, saturation: judge.saturation, startedAt, startUs, cpuCores, jobRecords };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** What arrivals are of: the transactions of a workload, or the requests to a service. */
interface Offered {
  name: string;
  weight: number;
  access: 'read' | 'write';
}

async function offeredBy(options: SessionOptions): Promise<Offered[]> {
  const all =
    'connection' in options
      ? (await importScenario(options.scenarioFile)).workload.transactions
      : (await importHttpScenario(options.scenarioFile)).http.requests;
  return Object.entries(all).map(([name, { weight, access }]) => ({ name, weight, access }));
}

function blockOrder(
  { load, blockNumber, drainMs, planChoices = false }: SessionBlockOptions,
  samples: Samples,
): BlockOrder {
  return { blockNumber, load, samples, drainMs: drainMs ?? load.statementTimeoutMs + 1000, planChoices };
}

function ordersOf(options: SessionOptions): SessionOrder[] {
  const { load, workers = 1 } = options;
  return Array.from({ length: workers }, (_, worker) => ({
    scenarioFile: options.scenarioFile,
    stage: options.stage,
    ...destinationOf(options),
    seed: options.seed,
    scale: options.scale,
    statementTimeoutMs: load.statementTimeoutMs,
    prepared: load.prepared ?? true,
    ...(load.pool === undefined ? {} : { pool: poolOf(load, load.pool, worker, workers) }),
    worker,
    workers,
    ratePerSecond: load.ratePerSecond,
    connections: stripe(load.connections, worker, workers).length,
  }));
}

/** A worker's share of the pool. */
function poolOf(
  { connections }: Pick<LoadSpec, 'connections'>,
  { min = connections, idleTimeoutMs, connectionTimeoutMs }: PoolSpec,
  worker: number,
  workers: number,
): PoolSettings {
  return { min: stripe(min, worker, workers).length, idleTimeoutMs, connectionTimeoutMs };
}

/** For what needs a session of its own. */
function serverOf(destination: Destination): ConnectionTarget | undefined {
  if ('connection' in destination) return destination.direct ?? destination.connection;
  return destination.database;
}

/** Without what a worker need not know. */
function destinationOf(options: SessionOptions): Destination {
  if ('origin' in options) return { origin: options.origin };
  const { connection, direct, replica, directReplica } = options;
  return {
    connection,
    ...(direct && { direct }),
    ...(replica && { replica }),
    ...(directReplica && { directReplica }),
  };
}

function rulesOf({ load, minimumMs = 0, backlogLimit = 100_000 }: SessionBlockOptions): SaturationRules {
  return {
    warmupUs: load.warmupMs * 1000,
    endUs: (load.warmupMs + load.durationMs) * 1000,
    minimumUs: minimumMs * 1000,
    backlogLimit,
  };
}

/** Returns what tells how many cores this process has used on average since. */
function cpuMeter(): () => number {
  const before = process.cpuUsage();
  const fromUs = monotonicClock.nowUs();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (monotonicClock.nowUs() - fromUs);
  };
}

/** What the workers reported of a block. */
interface Carried {
  done: WorkerDone[];
  saturation: SaturationJudge['saturation'];
  startedAt: string;
  /** Of the monotonic clock. */
  startUs: number;
  cpuCores: number;
  jobRecords: JobRecord[];
}

function jobRuns({ jobRecords, startUs }: Carried, warmupMs: number): JobRun[] {
  return jobRecords.map(({ startedUs, endedUs, ...rest }) => ({
    ...rest,
    startedMs: (startedUs - startUs) / 1000 - warmupMs,
    durationMs: (endedUs - startedUs) / 1000,
  }));
}

function poolUse({ connections, pool }: SessionOptions['load'], done: readonly WorkerDone[]): BlockRecord['pool'] {
  const sum = (key: 'exhausted' | 'opened') => done.reduce((total, { result }) => total + result[key], 0);
  return { max: connections, min: pool?.min ?? connections, exhausted: sum('exhausted'), opened: sum('opened') };
}

/** What all workers were granted; nothing where one was not. */
function precedenceOf(done: readonly WorkerDone[]): Precedence {
  const { precedence } = done[0]!;
  return done.every((other) => isDeepStrictEqual(other.precedence, precedence)) ? precedence : {};
}

/** How the block ended, from how its workers did: it was stopped for all when it was stopped for one. */
function endingOf({ done, saturation }: Carried): Pick<BlockRecord, 'outcome' | 'stopMs'> {
  const interrupted = done.some(({ result }) => result.outcome === 'interrupted');
  return {
    outcome: interrupted ? 'interrupted' : saturation === undefined ? 'complete' : 'saturated',
    stopMs: Math.max(...done.map(({ result }) => result.stopUs)) / 1000,
  };
}
