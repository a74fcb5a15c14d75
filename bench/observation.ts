/**
 * What observation costs the load that it observes: the last stage of webhooks at its rate, on one clone, in triples of short blocks
 * in a random order: unobserved; observed as every stage is (counters, waits ten times a second); as while a migration runs, with the lock
 * queue looked at every 20 ms, log, disk and replicas twice a second. Typical ratios of p95 with their 90 % intervals (signed ranks), and the
 * CPU that the sessions which look take on the server: a share of a core that is exact where the ratios are not.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadConfig, planRun, type RunEvent, type RunPlan } from 'pgrehearse';
import { LockWatch } from '../src/live-migration/lock-watch.ts';
import { ServerWatch } from '../src/live-migration/server-watch.ts';
import { withClient } from '../src/database.ts';
import { LoadSession } from '../src/load/engine.ts';
import { sampleHost } from '../src/observe/host.ts';
import { Observation } from '../src/observe/observation.ts';
import { onClone, rehearse, type LiveStage } from '../src/rehearsal.ts';
import { signedRank } from '../src/stats/signed-rank.ts';
import type { BenchResult } from './main.ts';

const root = resolve(import.meta.dirname, '..');
const arms = ['unobserved', 'observed', 'rehearsed'] as const;
type Arm = (typeof arms)[number];

/** One block. */
interface Measured {
  p95Us: number;
  /** CPU of the server's sessions that look, in cores. */
  lookingCores: number;
  /** Of the generator's process, which the looks are sent from. */
  generatorCores: number;
}

/** Triple by triple. */
type Figures = Record<Arm, Measured[]>;

export async function run({ quick, scale }: { quick: boolean; scale: number | undefined }): Promise<BenchResult> {
  const out = await mkdtemp(join(tmpdir(), 'pgrehearse-bench-'));
  try {
    const config = await loadConfig(root);
    const stages = ['after'];
    const request = { scenario: 'webhooks', stages, folder: root, config, out, scale: scale ?? (quick ? 0.02 : 0.2) };
    const plan = await planRun(request);
    const figures: Figures = { unobserved: [], observed: [], rehearsed: [] };
    await rehearse(plan, { onEvent: tell }, {}, async (rehearsal) => {
      await onClone(rehearsal.stages[0]!, rehearsal, {}, (live) => driveTriples(live, plan, quick ? 3 : 40, figures));
    });
    return resultOf(figures);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

async function driveTriples(live: LiveStage, plan: RunPlan, triples: number, figures: Figures): Promise<void> {
  const { connection, planned } = live;
  const { scenarioFile, seed, scale, slo, outDir } = plan;
  const load = { ...planned.load, warmupMs: 500, durationMs: 3000 };
  await using session = await LoadSession.open({ scenarioFile, stage: 'after', connection, seed, scale, load });
  const samplesPath = join(outDir, 'samples.bin');
  const measure = async (arm: Arm, blockNumber: number, durationMs: number): Promise<Measured> => {
    await using resources = new AsyncDisposableStack();
    resources.use(await observer(arm, live));
    const looking = await lookingSessions(live);
    const options = { id: arm, blockNumber, load: { ...load, durationMs }, slo, samplesPath };
    const [from, begun] = [cpuSeconds(looking), performance.now()];
    const { total, generator } = await session.runBlock(options);
    const lookingCores = (cpuSeconds(looking) - from) / ((performance.now() - begun) / 1000);
    return { p95Us: total.response.p95Us, lookingCores, generatorCores: generator.cpuCores };
  };
  await measure('unobserved', 0, planned.load.warmupMs);
  for (let triple = 1; triple <= triples; triple++) {
    // The same arrivals and parameters for all three.
    for (const arm of shuffled(arms)) figures[arm].push(await measure(arm, triple, load.durationMs));
  }
}

/** Process ids of the sessions of ours that are not the load's. */
async function lookingSessions({ connection }: LiveStage): Promise<number[]> {
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

async function observer(arm: Arm, { connection, server }: LiveStage): Promise<AsyncDisposable | undefined> {
  if (arm === 'observed') return Observation.start(connection, server.major);
  if (arm === 'unobserved') return undefined;
  await using watches = new AsyncDisposableStack();
  watches.use(await LockWatch.start(connection));
  watches.use(await ServerWatch.start(connection));
  return watches.move();
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

function resultOf({ unobserved, ...others }: Figures): BenchResult {
  const result: BenchResult = {
    ratios: {},
    figures: {
      triples: unobserved.length,
      'p95 unobserved us': median(unobserved.map(({ p95Us }) => p95Us)),
    },
  };
  for (const [arm, blocks] of Object.entries(others)) {
    const logs = blocks.map(({ p95Us }, at) => Math.log(p95Us / unobserved[at]!.p95Us));
    const { estimate, low, high } = signedRank(logs, 0.05);
    result.ratios[`p95 ${arm} / unobserved`] = Math.exp(estimate);
    result.ratios[`p95 ${arm} / unobserved, low`] = Math.exp(low);
    result.ratios[`p95 ${arm} / unobserved, high`] = Math.exp(high);
    result.figures[`${arm}: CPU of the server that looks take, cores`] = mean(
      blocks.map(({ lookingCores }) => lookingCores),
    );
    result.figures[`${arm}: CPU of the generator more than unobserved, cores`] =
      mean(blocks.map(({ generatorCores }) => generatorCores)) -
      mean(unobserved.map(({ generatorCores }) => generatorCores));
  }
  return result;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function tell(event: RunEvent): void {
  if (event.type === 'note') console.error(event.text);
}
