/** The block that stands for a stage: driven alone, told to people while it runs, its database observed meanwhile. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withClient } from './database.ts';
import type { Journal } from './journal.ts';
import type { PlannedTransaction } from './load/client.ts';
import { runBlock } from './load/engine.ts';
import type { Destination } from './load/target.ts';
import { checkpointsBegun } from './observe/checkpoints.ts';
import { completedRuns } from './observe/costs.ts';
import { besideHost } from './observe/host.ts';
import { Observation, type Again } from './observe/observation.ts';
import { ReplicaLagWatch, replicaLagOf } from './observe/replica-lag.ts';
import { addReplica, runsOf, workingServers } from './observe/servers.ts';
import type { RunPlan } from './plan.ts';
import { formatCount, formatMs, formatUs } from './report/format.ts';
import type { Block } from './result.ts';
import type { LoadSpec, StageSpec } from './scenario.ts';
import type { ConnectionTarget } from './server/server.ts';
import { PoolerTotals } from './topology/pooler-totals.ts';

/** A stage that cannot hold the rate still gets this much counted time, so that its figures mean something. */
const saturatedMinimumMs = 10_000;

/** What is driven, and where to. */
export interface StageBlockOrder {
  plan: Pick<RunPlan, 'scenarioFile' | 'seed' | 'scale' | 'workers' | 'slo' | 'outDir'>;
  journal: Journal;
  stage: string;
  load: LoadSpec;
  /** What arrivals are called. */
  what: 'transactions' | 'requests';
  destination: Destination;
  jobs?: StageSpec['jobs'];
  /** The database to observe, and which of its statements belong to which transaction. */
  observed?: { connection: ConnectionTarget; major: number; transactions: readonly PlannedTransaction[] };
  /** Processes of the servers, each with all that it starts; default: nobody knows, and what else the machine did is not told. */
  processes?: readonly number[];
  /** Done between the load and the last look at the database. */
  afterLoad?: () => Promise<void>;
  /** Default: the journal's. */
  signal?: AbortSignal;
}

/**
 * Drives the block of a stage; its evidence lands in the result.
 *
 * @throws what `runBlock` throws
 */
export async function measureStage(order: StageBlockOrder): Promise<Block> {
  const { plan, journal, stage, load, what, observed } = order;
  await mkdir(join(plan.outDir, 'samples'), { recursive: true });
  const title = `Drive ${formatCount(load.ratePerSecond)} ${what} a second for ${formatMs(load.durationMs)}`;
  const { block } = await journal.part({ name: 'measure', title, stage }, async () => {
    const block = observed === undefined ? await drive(order) : await driveObserved(order, observed);
    return { block, detail: describeBlock(block, what) };
  });
  return block;
}

async function driveObserved(
  order: StageBlockOrder,
  { connection, major, transactions }: NonNullable<StageBlockOrder['observed']>,
): Promise<Block> {
  const { journal, stage } = order;
  const countCheckpoints = (): Promise<number> => withClient(connection, (client) => checkpointsBegun(client, major));
  const checkpoints = await countCheckpoints();
  const route = 'connection' in order.destination ? order.destination : { connection };
  const [primary, replica] = workingServers(route, transactions);
  await using observation = await Observation.start(primary.connection, major);
  await using beside = replica && (await Observation.start(replica.connection, major));
  await using lag = replica && (await ReplicaLagWatch.start(primary.connection, replica.connection));
  const pooler = await PoolerTotals.read(route);
  const block = await drive(order);
  Object.assign(block, lagDuring(block, lag), await pooler?.since());
  if (observation.isLost) {
    journal.result.warnings.push({
      code: 'observation-lost',
      stage,
      message: `The server closed its connections while ${stage} was under load.`,
      advice: 'What it did meanwhile is not told: counters do not outlive a crash. Its log says why it did.',
    });
    return block;
  }
  block.checkpoints = (await countCheckpoints()) - checkpoints;
  // What nothing is known of would seem to have cost nothing.
  const runs = transactions.length === 0 ? new Map<string, number>() : completedRuns(block);
  const evidence = await observation.finish(
    stage,
    primary.transactions,
    runsOf(primary, runs),
    transactions.length === 0 ? undefined : againOf(order, transactions),
  );
  if (replica && beside) {
    addReplica(evidence, await beside.finish(stage, replica.transactions, runsOf(replica, runs)));
  }
  (journal.result.evidence ??= []).push(evidence);
  return block;
}

function againOf(
  { plan, load, journal, signal = journal.signal }: StageBlockOrder,
  transactions: readonly PlannedTransaction[],
): Again {
  const { scenarioFile, seed, scale } = plan;
  const [first] = journal.result.evidence ?? [];
  return {
    order: { scenarioFile, seed, scale, transactions, statementTimeoutMs: load.statementTimeoutMs, signal },
    ...(first === undefined ? {} : { knownIndexes: new Set(first.indexes.map(({ index }) => index)) }),
  };
}

/** Of the measured time. */
function lagDuring({ startedAt, warmupMs }: Block, watch: ReplicaLagWatch | undefined): Pick<Block, 'replicaLag'> {
  const from = Date.parse(startedAt) + warmupMs;
  const replicaLag = replicaLagOf((watch?.looks ?? []).filter(({ atMs }) => atMs >= from));
  return replicaLag === undefined ? {} : { replicaLag };
}

async function drive(order: StageBlockOrder): Promise<Block> {
  const block = await driveBesideHost(order);
  await order.afterLoad?.();
  return block;
}

async function driveBesideHost(order: StageBlockOrder): Promise<Block> {
  if (order.processes === undefined) return driveBlock(order);
  const own = new Set([process.pid, ...order.processes]);
  const { done: block, beside } = await besideHost(own, () => driveBlock(order));
  return Object.assign(block, beside);
}

function driveBlock({
  plan,
  journal,
  stage,
  load,
  destination,
  jobs,
  signal = journal.signal,
}: StageBlockOrder): Promise<Block> {
  const { scenarioFile, seed, scale, workers, slo, outDir } = plan;
  const samplesName = `samples/${stage}.bin`;
  const totalMs = load.warmupMs + load.durationMs;
  return runBlock({
    ...destination,
    scenarioFile,
    stage,
    id: stage,
    blockNumber: 0,
    seed,
    scale,
    load,
    ...(load.shape === undefined ? {} : { shape: load.shape }),
    workers,
    slo,
    samplesPath: join(outDir, samplesName),
    samplesName,
    ...(jobs === undefined ? {} : { jobs }),
    planChoices: true,
    minimumMs: Math.min(saturatedMinimumMs, load.durationMs),
    signal,
    onProgress: ({ elapsedMs, completed, failed, backlog, p95Us }) =>
      journal.progress(
        `${formatCount(Math.round((completed / elapsedMs) * 1000))}/s, p95 ${formatUs(p95Us)}, ` +
          `${formatCount(failed)} failed, ${formatCount(backlog)} waiting`,
        Math.min(1, elapsedMs / totalMs),
        Math.max(0, (totalMs - elapsedMs) / 1000),
      ),
  });
}

function describeBlock(
  { outcome, saturation, total, counts, measuredMs }: Block,
  what: StageBlockOrder['what'],
): string {
  if (outcome === 'saturated' && saturation) {
    return `saturated: holds ${formatCount(Math.round(saturation.heldPerSecond))} ${what} a second`;
  }
  const perSecond = Math.round((counts.succeeded / measuredMs) * 1000);
  const misses = counts.failed + counts.timedOut + counts.unfinished;
  return `${formatCount(perSecond)}/s, p95 ${formatUs(total.response.p95Us)}, ${formatCount(misses)} failed`;
}
