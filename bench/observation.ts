/**
 * What observation costs the load that it observes: the last stage of webhooks at its rate, on one clone, in triples of short blocks
 * in a random order: unobserved; observed as every stage is (counters, waits ten times a second); as while a migration runs, with the lock
 * queue looked at every 20 ms, log, disk and replicas twice a second. Typical ratios of p95 with their 90 % intervals (signed ranks).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadConfig, planRun, type RunEvent, type RunPlan } from 'pgrehearse';
import { LockWatch } from '../src/live-migration/lock-watch.ts';
import { ServerWatch } from '../src/live-migration/server-watch.ts';
import { LoadSession } from '../src/load/engine.ts';
import { Observation } from '../src/observe/observation.ts';
import { onClone, rehearse, type LiveStage } from '../src/rehearsal.ts';
import { signedRank } from '../src/stats/signed-rank.ts';
import type { BenchResult } from './main.ts';

const root = resolve(import.meta.dirname, '..');
const arms = ['unobserved', 'observed', 'rehearsed'] as const;
type Arm = (typeof arms)[number];

/** p95 of the response time in microseconds, triple by triple. */
type Figures = Record<Arm, number[]>;

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
  const p95 = async (arm: Arm, blockNumber: number, durationMs: number): Promise<number> => {
    await using resources = new AsyncDisposableStack();
    resources.use(await observer(arm, live));
    const options = { id: arm, blockNumber, load: { ...load, durationMs }, slo, samplesPath };
    return (await session.runBlock(options)).total.response.p95Us;
  };
  await p95('unobserved', 0, planned.load.warmupMs);
  for (let triple = 1; triple <= triples; triple++) {
    // The same arrivals and parameters for all three.
    for (const arm of shuffled(arms)) figures[arm].push(await p95(arm, triple, load.durationMs));
  }
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
  const ratios = Object.entries(others).flatMap(([arm, figures]) => {
    const { estimate, low, high } = signedRank(
      figures.map((p95Us, at) => Math.log(p95Us / unobserved[at]!)),
      0.05,
    );
    return [
      [`p95 ${arm} / unobserved`, Math.exp(estimate)],
      [`p95 ${arm} / unobserved, low`, Math.exp(low)],
      [`p95 ${arm} / unobserved, high`, Math.exp(high)],
    ];
  });
  const median = unobserved.toSorted((a, b) => a - b)[Math.floor(unobserved.length / 2)]!;
  return { ratios: Object.fromEntries(ratios), figures: { triples: unobserved.length, 'p95 unobserved us': median } };
}

function tell(event: RunEvent): void {
  if (event.type === 'note') console.error(event.text);
}
