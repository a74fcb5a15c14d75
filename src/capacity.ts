/** How far each stage can go: the highest rate at which it meets the SLO, by an adaptive search on its own clone. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CapacitySearch } from './capacity/search.ts';
import { describeCapacity } from './capacity/figures.ts';
import type { RunControl } from './journal.ts';
import { runBlock } from './load/engine.ts';
import type { DatabaseRoute } from './load/route.ts';
import type { RunPlan } from './plan.ts';
import type { PlannedStage } from './stage-plan.ts';
import { onStage, rehearse, warmStage, type Rehearsal } from './rehearsal.ts';
import { formatCount, formatRate, formatUs } from './report/format.ts';
import type { Block, CapacityResult, CapacityStep, RunResult } from './result.ts';
import type { LoadSpec, SloSpec } from './scenario.ts';
import { missMargin } from './stage-figures.ts';

/** Lower rates give too few arrivals to judge, higher ones too many for a schedule. */
const lowestPerSecond = 1;
const highestPerSecond = 50_000;
const precision = 1.1;
const mostSteps = 24;

/** A share of misses is not believed with fewer arrivals; slow rates get up to this many times the time for them. */
const leastArrivals = 300;
const longestStretch = 4;

/**
 * Searches the capacity of every stage of the plan. `load.ratePerSecond` is where the search begins and what headroom is counted over;
 * `load.durationMs` and `load.warmupMs` are those of each step.
 *
 * @returns the result, with verdict: does the last stage hold the rate of the load? Also when the signal interrupted the search.
 * @throws PgrehearseError when it cannot go on; what is finished is in result.json with status `failed`
 */
export function measureCapacity(plan: RunPlan, control: RunControl = {}): Promise<RunResult> {
  const all: CapacityResult[] = [];
  return rehearse(plan, control, { capacity: all }, async (rehearsal) => {
    const { journal, stages } = rehearsal;
    for (const stage of stages) {
      const capacity: CapacityResult = { stage: stage.planned.spec.name, steps: [] };
      all.push(capacity);
      await onStage(stage, rehearsal, async (live) => {
        await warmStage(live, rehearsal);
        await searchStage(stage.planned, capacity, live.route, rehearsal);
      });
      journal.note(`${capacity.stage} ${describeCapacity(capacity, plan)}.`);
    }
  });
}

async function searchStage(
  stage: PlannedStage,
  capacity: CapacityResult,
  route: DatabaseRoute,
  rehearsal: Rehearsal,
): Promise<void> {
  const { plan, journal } = rehearsal;
  const startPerSecond = stage.load.ratePerSecond;
  const search = new CapacitySearch({ startPerSecond, lowestPerSecond, highestPerSecond, precision, mostSteps });
  await mkdir(join(plan.outDir, 'samples'), { recursive: true });
  for (let rate = search.next(); rate !== undefined; rate = search.next()) {
    const step = await driveStep(loadOf(stage.load, rate), capacity, route, rehearsal);
    search.add(rate, step.held);
    capacity.steps.push(step);
    const { heldPerSecond, missedPerSecond } = search.bracket;
    // The ends move in both directions: what was believed before must not stay.
    delete capacity.heldPerSecond;
    delete capacity.missedPerSecond;
    if (heldPerSecond !== undefined) capacity.heldPerSecond = heldPerSecond;
    if (missedPerSecond !== undefined) capacity.missedPerSecond = missedPerSecond;
    await journal.save();
  }
}

async function driveStep(
  load: LoadSpec,
  { stage, steps }: CapacityResult,
  route: DatabaseRoute,
  { plan, journal }: Rehearsal,
): Promise<CapacityStep> {
  const samplesName = `samples/${stage}-${steps.length + 1}.bin`;
  const title = `Offer ${formatRate(load.ratePerSecond)}`;
  const { step } = await journal.part({ name: 'measure', title, stage }, async () => {
    const block = await runBlock({
      scenarioFile: plan.scenarioFile,
      stage,
      id: `${stage}-${steps.length + 1}`,
      // Every step draws parameters of its own: keys that an earlier one inserted are not inserted again.
      blockNumber: steps.length,
      ...route,
      seed: plan.seed,
      scale: plan.scale,
      load,
      workers: plan.workers,
      slo: plan.slo,
      samplesPath: join(plan.outDir, samplesName),
      samplesName,
      signal: journal.signal,
      onProgress: ({ elapsedMs, p95Us, backlog }) =>
        journal.progress(
          `p95 ${formatUs(p95Us)}, ${formatCount(backlog)} waiting`,
          Math.min(1, elapsedMs / (load.warmupMs + load.durationMs)),
        ),
    });
    journal.signal?.throwIfAborted();
    const step = stepOf(block, plan.slo);
    return { step, detail: `p95 ${formatUs(step.p95Us)}, ${describeStep(step)}` };
  });
  return step;
}

function describeStep({ held, saturated }: CapacityStep): string {
  if (saturated) return 'saturated';
  return held ? 'held' : 'missed';
}

/** The load of one step: long enough for its arrivals to be counted. */
function loadOf(load: LoadSpec, ratePerSecond: number): LoadSpec {
  const neededMs = (leastArrivals / ratePerSecond) * 1000;
  const durationMs = Math.min(Math.max(load.durationMs, neededMs), load.durationMs * longestStretch);
  return { ...load, ratePerSecond, durationMs };
}

function stepOf(block: Block, slo: SloSpec): CapacityStep {
  const { ratePerSecond, outcome, measuredMs, counts, missed, total, generator, samplesFile } = block;
  const { p50Us, p95Us, p99Us } = total.response;
  const share = counts.scheduled === 0 ? 1 : missed / counts.scheduled;
  return {
    ratePerSecond,
    held: outcome === 'complete' && share < missMargin(slo.percentile),
    saturated: outcome === 'saturated',
    measuredMs,
    scheduled: counts.scheduled,
    missed,
    donePerSecond: block.saturation?.heldPerSecond ?? (counts.succeeded * 1000) / measuredMs,
    p50Us,
    p95Us,
    p99Us,
    latenessP99Us: generator.lateness.p99Us,
    samplesFile,
  };
}
