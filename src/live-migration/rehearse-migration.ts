/** The migration inside of the load: the old statements keep running while the schema changes under them (docs/method.md). */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunControl } from '../journal.ts';
import type { RunPlan } from '../plan.ts';
import { rehearse } from '../rehearsal.ts';
import type { RunResult } from '../result.ts';
import { UsageError } from '../errors.ts';
import { addedMigrations } from './added.ts';
import { withExposure } from './exposure.ts';
import { findingsOf } from './findings.ts';
import { carryOutInterleavings } from './interleavings.ts';
import { carryOutKillPoints } from './kill-points.ts';
import { carryOutRepeat } from './live-run.ts';
import type { LiveMigration } from './record.ts';
import { repeatsOf, type LiveRequest } from './request.ts';
import { askSquawk } from './squawk.ts';
import { planSizes, projectSizes } from './sizes.ts';

/**
 * Applies what the last stage of the plan has and the first has not, under the load of the first, `repeats` times from fresh clones (with
 * each adversary, where each is asked for).
 *
 * @returns the result, with verdict on the worst repeat, also when the signal interrupted it
 * @throws UsageError where the later stage takes over at a version that is not applied, or a table cannot be projected
 * @throws PgrehearseError when it cannot go on; what is finished is in result.json with status `failed`
 */
export async function rehearseMigration(
  plan: RunPlan,
  request: LiveRequest,
  control: RunControl = {},
): Promise<RunResult> {
  assertTakesOver(plan);
  const sizes = planSizes(request.project, plan);
  const { interleavings } = request;
  const [first, last] = [plan.stages[0]!, plan.stages.at(-1)!];
  const live: LiveMigration = {
    from: first.spec.name,
    to: request.command ?? last.spec.name,
    budgets: request.budgets,
    ...(request.adversary === undefined ? {} : { adversary: request.adversary.kind }),
    ...(request.lockWait === undefined ? {} : { lockWait: request.lockWait }),
    ...(await warningsBeforehand(plan, request)),
    quietMs: {},
    repeats: [],
    ...(request.down ? { downs: [] } : {}),
    ...(request.killPoints > 0 ? { killPoints: [] } : {}),
    ...(interleavings.count > 0 ? { interleavings: { first: interleavings.first, tried: 0, deadlocks: [] } } : {}),
  };
  return rehearse(plan, control, { liveMigration: live }, async (rehearsal) => {
    if (request.command === undefined) {
      for (const { version, name, durationMs } of rehearsal.stages.at(-1)!.prepared.applied) {
        live.quietMs[`${version}_${name}`] = durationMs;
      }
    }
    await mkdir(join(plan.outDir, 'samples'), { recursive: true });
    const repeats = repeatsOf(request);
    for (const [at, repeat] of repeats.entries()) {
      const { up, down } = await carryOutRepeat({ number: at + 1, of: repeats.length }, repeat, rehearsal);
      live.repeats.push(up);
      if (down !== undefined) live.downs?.push(down);
      await rehearsal.journal.save();
    }
    if (request.killPoints > 0) {
      await carryOutKillPoints(request, rehearsal, async (point) => {
        live.killPoints?.push(point);
        await rehearsal.journal.save();
      });
    }
    await carryOutInterleavings(request, rehearsal, async (deadlocks) => {
      live.interleavings!.tried++;
      live.interleavings!.deadlocks.push(...deadlocks);
      await rehearsal.journal.save();
    });
    if (sizes.length > 0) live.projections = await projectSizes(request.project, sizes, rehearsal);
  });
}

/** What the texts of the migrations tell before anything runs: by our rules, and by squawk where the user has it. */
async function warningsBeforehand(
  plan: RunPlan,
  { command, lockWait }: LiveRequest,
): Promise<Pick<LiveMigration, 'findings' | 'squawk'>> {
  if (command !== undefined) return { findings: [] };
  const migrations = addedMigrations(plan);
  const { use, findings } = await askSquawk(migrations, {
    folder: plan.folder,
    major: plan.postgres.major,
    setsLockTimeout: lockWait !== undefined,
  });
  const all = [...findingsOf(migrations, plan.folder), ...findings];
  return { findings: await withExposure(all, migrations, plan), squawk: use };
}

function assertTakesOver(plan: RunPlan): void {
  const { name, takesOver } = plan.stages.at(-1)!.spec;
  const versions = addedMigrations(plan).map(({ version }) => version);
  if (takesOver === undefined || plan.stages.length === 1 || versions.includes(takesOver)) return;
  throw new UsageError(`Stage "${name}" takes over at version ${takesOver}, which this migration does not apply.`, {
    hint: `It applies ${versions.join(', ')}: name one of them as takesOver, or other stages.`,
  });
}
