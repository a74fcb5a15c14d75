/**
 * The comparison of the first stage with the last: both alive at the same time, and a twin of the first, take turns in pairs of
 * short blocks until the evidence suffices (docs/method.md).
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isInCache } from '../server/choice.ts';
import { assertDiskSpace } from '../server/disk.ts';
import { formatCount, formatPlural, formatUs } from '../report/format.ts';
import type { PreparedStage } from '../prepare.ts';
import { serversOf } from '../topology/routing.ts';
import { onClone, type LiveStage, type Rehearsal } from '../rehearsal.ts';
import { decidesTypical } from '../verdict/typical.ts';
import { ComparedSide, type ComparedService } from './side.ts';
import { lookDurationMs, plannedPairs, warmupBlockNumber, type PlannedPair } from './plan.ts';
import type { BlockPair, Comparison, ComparisonPlan, SharedSetting, Side } from './record.ts';
import { median } from '../stats/median.ts';

type Sides = Record<Side, ComparedSide>;

/** What is compared, and how. */
export interface ComparisonOrder {
  plan: ComparisonPlan;
  first: PreparedStage;
  last: PreparedStage;
  /** For the raw samples, beside the result. */
  samplesFolder: string;
  /** Puts a service in front of a clone, which then gets the load. Default: the clone itself gets it. */
  openService?: (live: LiveStage) => Promise<ComparedService>;
}

/**
 * Compares two stages; everything lands in `result.comparison`, pair by pair.
 *
 * @throws EnvironmentError when the disk has no room for three clones, or what driving the load throws
 */
export async function compareStages(rehearsal: Rehearsal, order: ComparisonOrder): Promise<void> {
  const { journal } = rehearsal;
  const { plan, first, last, samplesFolder } = order;
  await assertRoom(rehearsal, [first, first, last]);
  await mkdir(join(journal.folder, samplesFolder), { recursive: true });
  const comparison: Comparison = {
    before: first.planned.spec.name,
    after: last.planned.spec.name,
    plan,
    pairs: [],
    settings: [...sharedSettings('before', first), ...sharedSettings('after', last)],
  };
  journal.result.comparison = comparison;
  const alive = <T>(stage: PreparedStage, work: (live: LiveStage) => Promise<T>): Promise<T> =>
    onClone(stage, rehearsal, { profile: stage.planned.sharedProfile }, work);
  await alive(first, (before) =>
    alive(first, (twin) => alive(last, (after) => compareLive({ before, twin, after }, order, comparison, rehearsal))),
  );
}

/** The room that the clones need, where they are not copied by reference; the disk watch does the rest. */
async function assertRoom({ plan }: Rehearsal, stages: readonly PreparedStage[]): Promise<void> {
  if (!isInCache(plan.server)) return;
  const bytes = stages.reduce(
    (sum, { planned, prepared }) => sum + prepared.snapshot.bytes * serversOf(planned.spec),
    0,
  );
  await assertDiskSpace(plan.cacheDir, bytes, 'the comparison of two stages on three clones', () => {
    return 'Free some, or do without the comparison: --preset none.';
  });
}

/** The settings of a stage that are others where it shares the host. */
function sharedSettings(side: Side, { planned: { profile, sharedProfile } }: PreparedStage): SharedSetting[] {
  const alone = new Map(profile.settings.map(({ name, value }) => [name, value]));
  return sharedProfile.settings
    .filter(({ name, value }) => alone.get(name) !== value)
    .map(({ name, value, reason }) => ({ side, name, value, reason }));
}

async function compareLive(
  live: Record<Side, LiveStage>,
  { samplesFolder, openService }: ComparisonOrder,
  comparison: Comparison,
  rehearsal: Rehearsal,
): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const processes = new Set([process.pid, ...Object.values(live).flatMap((stage) => stage.processes)]);
  const open = async (side: Side): Promise<ComparedSide> => {
    const service = await openService?.(live[side]);
    resources.use(service);
    const context = { live: live[side], processes, rehearsal, samplesFolder, service };
    return resources.use(await ComparedSide.open(side, context));
  };
  const sides: Sides = { before: await open('before'), twin: await open('twin'), after: await open('after') };
  await warmUp(sides, comparison.plan, rehearsal);
  await drivePairs(sides, comparison, rehearsal);
  await rehearsal.journal.part({ name: 'measure', title: 'Read what the servers did' }, async () => {
    const all = Object.values(sides);
    comparison.statementPlans = all.flatMap((side) => side.statementPlans());
    comparison.work = (await Promise.all(all.map((side) => side.work()))).flat();
  });
}

/** Caches, plans and connections are warm, and nothing is left to write out, before the first pair. */
async function warmUp(sides: Sides, plan: ComparisonPlan, rehearsal: Rehearsal): Promise<void> {
  const { journal } = rehearsal;
  await journal.part({ name: 'measure', title: 'Warm up the clones' }, async () => {
    for (const side of Object.values(sides)) {
      await side.rest();
      if (plan.warmupMs > 0) {
        const load = { warmupMs: 0, durationMs: plan.warmupMs };
        await side.drive({ name: 'warmup', number: warmupBlockNumber, load, signal: journal.signal });
      }
      journal.signal?.throwIfAborted();
    }
    for (const side of Object.values(sides)) await side.beginCounting();
  });
}

async function drivePairs(sides: Sides, comparison: Comparison, rehearsal: Rehearsal): Promise<void> {
  const { plan } = comparison;
  const { journal } = rehearsal;
  const pairs = plannedPairs(plan);
  for (const [number, look] of plan.looks.entries()) {
    const planned = look.change + look.same;
    const title = `Compare ${comparison.before} with ${comparison.after}: ${formatPlural(planned, 'pair')} of blocks`;
    const { decided } = await journal.part({ name: 'measure', title }, async () => {
      for (const pair of pairs.slice(comparison.pairs.length, planned)) {
        await drivePair(pair, sides, comparison, rehearsal);
        tellProgress(comparison, number, rehearsal);
      }
      const decided = decidesTypical(comparison, rehearsal.plan.gate);
      const enough = decided || number + 1 === plan.looks.length;
      return { decided, detail: enough ? describePairs(comparison) : 'not decided yet: more pairs, as planned' };
    });
    if (decided) return;
  }
}

async function drivePair(
  { number, kind, sides: order }: PlannedPair,
  sides: Sides,
  comparison: Comparison,
  { journal }: Rehearsal,
): Promise<void> {
  const { blockMs, washoutMs } = comparison.plan;
  const load = { warmupMs: washoutMs, durationMs: blockMs - washoutMs };
  const pair: BlockPair = { number, kind, blocks: [] };
  for (const side of order) {
    const name = `${String(number).padStart(3, '0')}-${side}`;
    const block = await sides[side].drive({ name, number, load, signal: journal.signal });
    pair.blocks.push(block);
    if (pair.blocks.length === 1) comparison.pairs.push(pair);
    journal.signal?.throwIfAborted();
  }
  await journal.save();
}

function tellProgress(comparison: Comparison, look: number, { journal }: Rehearsal): void {
  const { plan, pairs } = comparison;
  const { change, same } = plan.looks[look]!;
  const total = change + same;
  const left = lookDurationMs(plan, plan.looks[look]!) * (1 - pairs.length / total);
  const text = `pair ${formatCount(pairs.length)} of ${formatCount(total)}, ${describePairs(comparison)}`;
  journal.progress(text, pairs.length / total, left / 1000);
}

function describePairs({ pairs, before, after }: Comparison): string {
  const typical = (...sides: Side[]): string => {
    const own = pairs.flatMap(({ blocks }) => blocks.filter(({ side }) => sides.includes(side)));
    const all = own.map(({ p95Us }) => p95Us);
    return all.length === 0 ? 'not measured' : formatUs(median(all));
  };
  return `median p95 ${typical('before', 'twin')} in ${before}, ${typical('after')} in ${after}`;
}
