/** How long each migration takes at a tenth, three tenths and all of the rows, on a quiet clock: what an estimate for more rows rests on. */
import { DiskWatch } from '../disk-watch.ts';
import { UsageError } from '../errors.ts';
import { migrate, type Migration } from '../migrate.ts';
import type { RunPlan } from '../plan.ts';
import { prepareBaseline, prepareStage } from '../prepare.ts';
import { onClone, type Rehearsal } from '../rehearsal.ts';
import { formatMs } from '../report/format.ts';
import { createCatalog, seedDigest } from '../seed/catalog.ts';
import { addedMigrations } from './added.ts';
import { project } from './projection.ts';
import type { Projection } from './record.ts';
import { relationsOf } from './tables.ts';

/** Shares of the plan's scale. */
const shares = [0.1, 0.3, 1];
/** Of each size, from fresh clones. */
const runsPerSize = 3;

/** A size to estimate at: rows by table. */
export type ProjectionTargets = ReadonlyMap<string, number>;

/**
 * The rehearsal at each size; none where there is nothing to estimate.
 *
 * @throws UsageError for a table that the seed does not have, or that does not grow with the scale
 */
export function planSizes(targets: ProjectionTargets, plan: RunPlan): RunPlan[] {
  if (targets.size === 0) return [];
  const sizes = shares.map((share) => (share === 1 ? plan : atScale(plan, plan.scale * share)));
  assertGrowing(targets, sizes);
  return sizes;
}

/** Measures the migrations that name a table of the targets, and estimates their durations. */
export async function projectSizes(
  targets: ProjectionTargets,
  sizes: readonly RunPlan[],
  rehearsal: Rehearsal,
): Promise<Projection[]> {
  const durations: Map<string, number>[][] = [];
  for (const size of sizes) durations.push(await runsAt(size, rehearsal));
  return addedMigrations(rehearsal.plan).flatMap((migration): Projection[] => {
    const table = tableOf(migration, targets);
    if (table === undefined) return [];
    const name = nameOf(migration);
    const runs = sizes.flatMap(({ catalog }, at) =>
      durations[at]!.map((run) => ({ rows: catalog.rows(table), durationMs: run.get(name)! })),
    );
    const rows = targets.get(table)!;
    return [{ migration: name, table, rows, runs, ...project(runs, rows) }];
  });
}

/** The same rehearsal of fewer rows. */
function atScale(plan: RunPlan, scale: number): RunPlan {
  const { seed, scenario } = plan;
  const choice = { seed, scale };
  const spec = scenario.workload.seed;
  return { ...plan, scale, seedDigest: seedDigest(spec, choice), catalog: createCatalog(spec, choice) };
}

function assertGrowing(targets: ProjectionTargets, plans: readonly RunPlan[]): void {
  const [least, most] = [plans[0]!.catalog, plans.at(-1)!.catalog];
  for (const table of targets.keys()) {
    if (most.rows(table) > least.rows(table)) continue;
    throw new UsageError(
      `Table ${table} has ${most.rows(table)} rows at every scale: nothing can be projected from it.`,
      {
        hint: 'Name a table that grows with --scale.',
      },
    );
  }
}

/** Of the targets that it names, the largest. */
function tableOf(migration: Migration, targets: ProjectionTargets): string | undefined {
  const named = relationsOf([migration]).filter((relation) => targets.has(relation));
  return named.toSorted((a, b) => targets.get(b)! - targets.get(a)!)[0];
}

function nameOf({ version, name }: Pick<Migration, 'version' | 'name'>): string {
  return `${version}_${name}`;
}

/** Durations by migration of each run at one size. */
async function runsAt(plan: RunPlan, rehearsal: Rehearsal): Promise<Map<string, number>[]> {
  const { store, journal } = rehearsal;
  const planned = plan.stages[0]!;
  const title = `Migrate at scale ${plan.scale}, ${runsPerSize} times`;
  const start = plan === rehearsal.plan ? rehearsal.stages[0]! : { planned, prepared: await prepared(plan, rehearsal) };
  const { runs } = await journal.part({ name: 'migrate', title, stage: plan.stages.at(-1)!.spec.name }, async () => {
    const runs: Map<string, number>[] = [];
    for (let run = 0; run < runsPerSize; run++) {
      const records = await onClone(start, { plan, store, journal, stages: [start] }, {}, ({ connection }) =>
        migrate(
          connection,
          plan.stages.at(-1)!.migrations,
          journal.signal === undefined ? {} : { signal: journal.signal },
        ),
      );
      runs.push(new Map(records.map((record) => [nameOf(record), record.durationMs])));
    }
    return { runs, detail: runs.map((run) => formatMs([...run.values()].reduce((a, b) => a + b, 0))).join(', ') };
  });
  return runs;
}

/** The first stage with fewer rows. What the result says of the seed stays that of all rows. */
async function prepared(plan: RunPlan, { store, journal }: Rehearsal) {
  const { seed } = journal.result;
  using watch = await DiskWatch.start({ ...plan, signal: journal.signal });
  const baseline = await prepareBaseline(plan, store, journal, watch);
  if (seed !== undefined) journal.result.seed = seed;
  return await prepareStage(plan.stages[0]!, baseline, [], plan, store, journal);
}
