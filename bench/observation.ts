/**
 * What observation costs the load that it observes: the last stage of webhooks at its rate, on one clone, in one long block. Its seconds take
 * turns, in triples of a random order: unobserved; looked at as every stage is (waits, ten times a second); as while a migration runs (here it
 * keeps a lock that stops nobody), with the lock queue looked at every 20 ms, log, disk and replicas twice a second. So close to each other they share whatever else goes on on the machine.
 * Typical ratios of p95 with their 90 % intervals (signed ranks), and the CPU that looking takes on the server and in the generator.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { loadConfig, planRun, type RunEvent, type RunPlan } from 'pgrehearse';
import { LockWatch } from '../src/live-migration/lock-watch.ts';
import { ServerWatch } from '../src/live-migration/server-watch.ts';
import { withClient } from '../src/database.ts';
import { LoadSession } from '../src/load/engine.ts';
import { readSamples } from '../src/load/samples-file.ts';
import { sampleHost } from '../src/observe/host.ts';
import { WaitProfile } from '../src/observe/wait-profile.ts';
import { onClone, rehearse, type LiveStage } from '../src/rehearsal.ts';
import type { ConnectionTarget } from '../src/server/server.ts';
import { signedRank } from '../src/stats/signed-rank.ts';
import type { BenchResult } from './main.ts';
import { median } from '../src/stats/median.ts';

const root = resolve(import.meta.dirname, '..');
const arms = ['unobserved', 'observed', 'rehearsed'] as const;
type Arm = (typeof arms)[number];

/** Not counted at the beginning of a turn: connections are opened, and what the turn before has left behind ends. */
const settleMs = 300;
const countedMs = 1000;

/** The counted part of a turn. */
interface Window {
  arm: Arm;
  /** Of the clock on the wall. */
  fromMs: number;
  toMs: number;
  /** CPU of the server's sessions that look, and of this process, which the looks are sent from. */
  lookingCores: number;
  ownCores: number;
}

export async function run({ quick, scale }: { quick: boolean; scale: number | undefined }): Promise<BenchResult> {
  const out = await mkdtemp(join(tmpdir(), 'pgrehearse-bench-'));
  try {
    const config = await loadConfig(root);
    const stages = ['after'];
    const request = { scenario: 'webhooks', stages, folder: root, config, out, scale: scale ?? (quick ? 0.02 : 0.2) };
    const plan = await planRun(request);
    let result: BenchResult | undefined;
    await rehearse(plan, { onEvent: tell }, {}, async (rehearsal) => {
      await onClone(rehearsal.stages[0]!, rehearsal, {}, async (live) => {
        result = await observe(live, plan, quick ? 5 : 300);
      });
    });
    return result!;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

async function observe(live: LiveStage, plan: RunPlan, triples: number): Promise<BenchResult> {
  const { connection, planned } = live;
  const { scenarioFile, seed, scale, slo, outDir } = plan;
  const load = { ...planned.load, durationMs: triples * arms.length * (settleMs + countedMs) + 1000 };
  await using session = await LoadSession.open({ scenarioFile, stage: 'after', connection, seed, scale, load });
  const samplesPath = join(outDir, 'samples.bin');
  const counted = Promise.withResolvers<void>();
  const onProgress = ({ elapsedMs }: { elapsedMs: number }): void => {
    if (elapsedMs > load.warmupMs) counted.resolve();
  };
  const block = session.runBlock({ id: 'long', blockNumber: 0, load, slo, samplesPath, onProgress });
  await counted.promise;
  const windows = await takeTurns(connection, triples);
  await block;
  return resultOf(windows, await p95Of(windows, samplesPath));
}

async function takeTurns(connection: ConnectionTarget, triples: number): Promise<Window[]> {
  const windows: Window[] = [];
  for (let triple = 0; triple < triples; triple++) {
    for (const arm of shuffled(arms)) {
      await using _ = await looks(arm, connection);
      await sleep(settleMs);
      windows.push(await countWindow(arm, await lookingSessions(connection)));
    }
  }
  return windows;
}

async function countWindow(arm: Arm, looking: readonly number[]): Promise<Window> {
  const [fromMs, server, own] = [Date.now(), cpuSeconds(looking), process.cpuUsage()];
  await sleep(countedMs);
  const toMs = Date.now();
  const seconds = (toMs - fromMs) / 1000;
  const { user, system } = process.cpuUsage(own);
  const lookingCores = (cpuSeconds(looking) - server) / seconds;
  return { arm, fromMs, toMs, lookingCores, ownCores: (user + system) / 1e6 / seconds };
}

async function looks(arm: Arm, connection: ConnectionTarget): Promise<AsyncDisposable> {
  await using watches = new AsyncDisposableStack();
  if (arm === 'observed') {
    const client = new Client({ ...connection, application_name: 'pgrehearse observer' });
    await client.connect();
    watches.defer(() => client.end());
    const profile = new WaitProfile(client);
    watches.defer(async () => void (await profile.stop()));
  } else if (arm === 'rehearsed') {
    const migration = new Client({ ...connection, application_name: 'pgrehearse migrate' });
    await migration.connect();
    watches.defer(() => migration.end());
    await migration.query('BEGIN');
    await migration.query('LOCK TABLE delivery_attempts IN SHARE UPDATE EXCLUSIVE MODE');
    watches.use(await LockWatch.start(connection));
    watches.use(await ServerWatch.start(connection));
  }
  return watches.move();
}

/** Process ids of the sessions of ours that are not the load's. */
async function lookingSessions(connection: ConnectionTarget): Promise<number[]> {
  return withClient(connection, async (client) => {
    const { rows } = await client.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity
        WHERE application_name LIKE 'pgrehearse%' AND application_name <> 'pgrehearse load' AND pid <> pg_backend_pid()`,
    );
    return rows.map(({ pid }) => pid);
  });
}

/** Since these processes began, to a hundredth of a second each; 0 where there is no /proc. */
function cpuSeconds(pids: readonly number[]): number {
  const processes = sampleHost()?.processes;
  return pids.reduce((sum, pid) => sum + (processes?.get(pid)?.ticks ?? 0) / 100, 0);
}

/** Of the response times of what was due in each window, in microseconds. */
async function p95Of(windows: readonly Window[], samplesPath: string): Promise<number[]> {
  const { block, samples } = await readSamples(samplesPath);
  const startMs = Date.parse(block.startedAt);
  const dueMs = samples.dueUs.map((dueUs) => startMs + dueUs / 1000);
  return windows.map(({ fromMs, toMs }) => {
    const responses = samples.endUs.slice(firstFrom(dueMs, fromMs), firstFrom(dueMs, toMs)).sort();
    return responses[Math.ceil(0.95 * responses.length) - 1]!;
  });
}

/** Place of the first that is not below the instant; ascending. */
function firstFrom(dueMs: Float64Array, instantMs: number): number {
  let [low, high] = [0, dueMs.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (dueMs[middle]! < instantMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

function resultOf(windows: readonly Window[], p95Us: readonly number[]): BenchResult {
  const of = <T>(arm: Arm, pick: (window: Window, at: number) => T): T[] =>
    windows.flatMap((window, at) => (window.arm === arm ? [pick(window, at)] : []));
  const [unobserved, ownCores] = [of('unobserved', (_, at) => p95Us[at]!), mean(of('unobserved', coresOf))];
  const result: BenchResult = {
    ratios: {},
    figures: { triples: unobserved.length, 'p95 unobserved us': median(unobserved) },
  };
  for (const arm of arms.slice(1)) {
    const logs = of(arm, (_, at) => p95Us[at]!).map((p95, triple) => Math.log(p95 / unobserved[triple]!));
    const { estimate, low, high } = signedRank(logs, 0.05);
    result.ratios[`p95 ${arm} / unobserved`] = Math.exp(estimate);
    result.ratios[`p95 ${arm} / unobserved, low`] = Math.exp(low);
    result.ratios[`p95 ${arm} / unobserved, high`] = Math.exp(high);
    const looking = mean(of(arm, ({ lookingCores }) => lookingCores));
    result.figures[`${arm}: CPU of the server that looks take, cores`] = looking;
    result.figures[`${arm}: CPU of the generator more than unobserved, cores`] = mean(of(arm, coresOf)) - ownCores;
  }
  return result;
}

function coresOf({ ownCores }: Window): number {
  return ownCores;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function tell(event: RunEvent): void {
  if (event.type === 'note') console.error(event.text);
}
