/**
 * Which settings of a profile earn their place: one factor at a time around the whole profile. Each comparison is by pairs of
 * blocks, the whole profile beside the profile without a group of its settings (docs/method.md).
 */
import { randomInt } from 'node:crypto';
import { compareStages } from '../comparison/compare.ts';
import { lookDurationMs, serversCompared } from '../comparison/plan.ts';
import type { ComparisonPlan } from '../comparison/record.ts';
import { UsageError } from '../errors.ts';
import type { RunControl } from '../journal.ts';
import type { RunPlan } from '../plan.ts';
import type { PreparedStage } from '../prepare.ts';
import { rehearse, type Rehearsal } from '../rehearsal.ts';
import { formatMs, formatPlural } from '../report/format.ts';
import type { RunResult } from '../result.ts';
import type { ResolvedProfile } from '../server/profiles.ts';
import { outcomeOf } from '../verdict/pairs.ts';
import { judgeTypical } from '../verdict/typical.ts';
import { groupSettings, spareGroups, type SettingGroup } from './groups.ts';
import type { Tuning, TuningStep } from './record.ts';

/**
 * Compares the profile of the plan's last stage with itself without each group of settings; at last without all groups that are
 * proved to be spare. Where the whole profile is proved to gain nothing, its groups are not tried.
 *
 * @param only names of the groups to try; default: all
 * @throws UsageError when the profile has no settings in question, no such group, or the server is not ours to restart
 * @throws PgrehearseError when it cannot go on; what is finished is in result.json with status `failed`
 */
export async function tune(
  plan: RunPlan,
  only: readonly string[] | undefined,
  control: RunControl = {},
): Promise<RunResult> {
  if (plan.server.kind === 'external') {
    throw new UsageError(
      'Settings cannot be tuned on a server that pgrehearse does not start itself: most need a restart.',
      {
        hint: 'Leave --server out, or give --server installed.',
      },
    );
  }
  const planned = plan.stages.at(-1)!;
  const groups = groupSettings(planned.profile.settings);
  const asked = chooseGroups(groups, planned.profile.name, only);
  const tuning: Tuning = { stage: planned.spec.name, profile: planned.profile.name, groups, asked, steps: [] };
  control.onEvent?.({ type: 'note', text: describeEffort(plan.comparison!, asked) });
  return rehearse({ ...plan, stages: [planned] }, control, { tuning }, (rehearsal) => tryGroups(rehearsal, tuning));
}

function chooseGroups(groups: readonly SettingGroup[], profile: string, only: readonly string[] | undefined): string[] {
  if (groups.length === 0) {
    throw new UsageError(`The profile "${profile}" has no settings that could be dropped.`, {
      hint: 'Name another with --profile, such as tuned.',
    });
  }
  const known = groups.map(({ name }) => name);
  const unknown = only?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length > 0) {
    throw new UsageError(`The profile "${profile}" has no group of settings "${unknown.join('", "')}".`, {
      hint: `Known: ${known.join(', ')}.`,
    });
  }
  return known.filter((name) => only?.includes(name) ?? true);
}

/** How long it takes at most, before it starts: measuring alone, for clones and starts depend on the size of the data. */
function describeEffort(comparison: ComparisonPlan, groups: readonly string[]): string {
  // The whole profile comes first, and what may go at once comes last, where that is more than one group.
  const comparisons = groups.length + (groups.length > 1 ? 2 : 1);
  const eachMs = lookDurationMs(comparison, comparison.looks.at(-1)!) + serversCompared * comparison.warmupMs;
  return (
    `Trying the profile without each of ${formatPlural(groups.length, 'group')} of its settings (${groups.join(', ')}), without all, and without ` +
    `what may go: up to ${formatPlural(comparisons, 'comparison')} of ${formatMs(eachMs)}, ${formatMs(comparisons * eachMs)} of load ` +
    'at most, beside the time for clones.'
  );
}

async function tryGroups(rehearsal: Rehearsal, tuning: Tuning): Promise<void> {
  const all = tuning.groups.flatMap(({ settings }) => settings.map(({ name }) => name));
  const whole = await tryWithout(rehearsal, tuning, { kind: 'profile', name: 'the whole profile', dropped: all });
  if (whole.outcome === 'pass') {
    rehearsal.journal.note('Nothing of the profile is needed under this load; its groups are not tried one by one.');
    return;
  }
  for (const { name, settings } of tuning.groups.filter((group) => tuning.asked.includes(group.name))) {
    await tryWithout(rehearsal, tuning, { kind: 'group', name, dropped: settings.map((setting) => setting.name) });
  }
  const spare = spareGroups(tuning);
  // One by itself was tried already.
  if (spare.length < 2) return;
  const dropped = tuning.groups.filter(({ name }) => spare.includes(name)).flatMap(({ settings }) => settings);
  await tryWithout(rehearsal, tuning, {
    kind: 'minimal',
    name: spare.join(', '),
    dropped: dropped.map(({ name }) => name),
  });
}

/** Compares the whole profile with the rest of it. Every finished comparison is in the result on disk. */
async function tryWithout(
  rehearsal: Rehearsal,
  tuning: Tuning,
  step: Pick<TuningStep, 'kind' | 'name' | 'dropped'>,
): Promise<TuningStep> {
  const { plan, journal, stages } = rehearsal;
  const stage = stages.at(-1)!;
  const number = tuning.steps.length + 1;
  journal.note(`Comparison ${number}: ${tuning.profile} without ${step.name}.`);
  await compareStages(rehearsal, {
    plan: { ...plan.comparison!, orderSeed: randomInt(2 ** 31) },
    first: stage,
    last: withoutSettings(stage, new Set(step.dropped)),
    samplesFolder: `samples/step-${String(number).padStart(2, '0')}`,
  });
  const done = stepOf(step, tuning.profile, journal.result);
  tuning.steps.push(done);
  delete journal.result.comparison;
  await journal.save();
  return done;
}

function withoutSettings(stage: PreparedStage, dropped: ReadonlySet<string>): PreparedStage {
  const rest = (profile: ResolvedProfile): ResolvedProfile => ({
    ...profile,
    settings: profile.settings.filter(({ name }) => !dropped.has(name)),
  });
  const { profile, sharedProfile } = stage.planned;
  return { ...stage, planned: { ...stage.planned, profile: rest(profile), sharedProfile: rest(sharedProfile) } };
}

function stepOf(step: Pick<TuningStep, 'kind' | 'name' | 'dropped'>, profile: string, result: RunResult): TuningStep {
  // Both sides are the same stage: told apart by what differs.
  const comparison = { ...result.comparison!, before: profile, after: `${profile} without ${step.name}` };
  return { ...step, ...outcomeOf(comparison, judgeTypical({ ...result, comparison })[0]!) };
}
