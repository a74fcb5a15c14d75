/** Reasons to doubt a figure, found in the result itself. */
import type { HostLoad } from './comparison/record.ts';
import { formatPlural, formatRate, formatShare, formatUs } from './report/format.ts';
import type { Block, CapacityResult, DiscardedBlock, GeneratorFigures, RunResult, Warning } from './result.ts';
import { discardRules } from './verdict/pairs.ts';

/** Below this much measured time, p95 says more about the moment than about the system. */
const shortMs = 30_000;

/** A run of this length is meant to show what happens over time, and that comes with checkpoints. */
const longMs = 15 * 60_000;
const leastCheckpoints = 2;

/** p99 of the generator's own lateness above this shows in the response times. */
const lateUs = 2_000;

/** Above this share of its ceiling the generator's own queue begins to show in the latencies. */
const ceilingShare = 0.1;

/** Everything in a result that a careful reader would want to know before believing it. */
export function warningsOf(result: RunResult): Warning[] {
  const { generator, blocks, capacity = [], discarded = [] } = result;
  return [
    ...scaleWarnings(result),
    ...preparedWarnings(result),
    ...discarded.map((block) => discardWarning(block)),
    ...blocks.flatMap((block) => blockWarnings(block, result)),
    ...blocks.flatMap((block) => jobWarnings(block)),
    ...blocks.flatMap((block) => ceilingWarnings(block, generator)),
    ...capacity.flatMap((stage) => capacityWarnings(stage)),
  ];
}

function scaleWarnings({ seed }: RunResult): Warning[] {
  if (!seed || seed.scale >= 1) return [];
  return [
    {
      code: 'small-scale',
      message: `The data has ${seed.scale} times its full size.`,
      advice: 'Plans and caches differ at full size: run with --scale 1 before you rely on the figures.',
    },
  ];
}

/** A pooler that keeps no named statements makes parsing a part of the change, where other stages do without. */
function preparedWarnings({ stages, load }: RunResult): Warning[] {
  if (load.prepared === false) return [];
  const unprepared = stages.filter(({ topology }) => topology?.pooler?.prepared === false);
  if (unprepared.length === stages.length) return [];
  return unprepared.map(({ name, topology }) => ({
    code: 'prepared-elsewhere',
    stage: name,
    message: `Statements are parsed whenever they are sent in ${name}, behind PgBouncer ${topology!.pooler!.version}, and in other stages they are not.`,
    advice:
      'What parsing costs is a part of the difference: compare with --no-prepared, or take PgBouncer 1.21 or newer.',
  }));
}

function discardWarning({ stage, latenessP99Us, p95Us, missed, scheduled, host }: DiscardedBlock): Warning {
  const others = disturbance(host);
  return {
    code: 'discarded',
    stage,
    message: `${stage} was rehearsed twice: in its first block the load generator was late by ${formatUs(latenessP99Us)} at p99, so that it proved nothing (p95 ${formatUs(p95Us)}, ${formatShare(missed / scheduled)} missed the limit).${others === '' ? '' : ` Meanwhile ${others}.`}`,
    advice: 'The figures are of the second block, on a fresh clone. Give the machine fewer other tasks.',
  };
}

/** What the machine did for others, where that was too much to go unseen; as clauses. */
function disturbance(host: HostLoad | undefined): string {
  const { stealShare, foreignCores } = host ?? { stealShare: 0, foreignCores: 0 };
  const told = [];
  if (stealShare > discardRules.maxStealShare) {
    told.push(`the hypervisor gave ${formatShare(stealShare)} of the time of all cores to others`);
  }
  if (foreignCores > discardRules.maxForeignCores) told.push(`other processes used ${foreignCores.toFixed(1)} cores`);
  return told.join(' and ');
}

function blockWarnings(
  { stage, outcome, measuredMs, generator, checkpoints, host }: Block,
  { load }: RunResult,
): Warning[] {
  const warnings: Warning[] = [];
  if (outcome === 'complete' && measuredMs < shortMs) {
    warnings.push({
      code: 'short',
      stage,
      message: `${stage} was measured for ${Math.round(measuredMs / 1000)} s only.`,
      advice: 'Use --duration 60s or longer: checkpoints and autovacuum need time to show.',
    });
  }
  if (outcome === 'complete' && measuredMs >= longMs && checkpoints !== undefined && checkpoints < leastCheckpoints) {
    warnings.push({
      code: 'few-checkpoints',
      stage,
      message: `${stage} saw ${formatPlural(checkpoints, 'checkpoint')} in ${Math.round(measuredMs / 60_000)} minutes.`,
      advice: `Write-back shows over ${leastCheckpoints} checkpoints or more: give it a longer --duration, or a shorter checkpoint_timeout.`,
    });
  }
  const others = disturbance(host);
  if (others !== '') {
    warnings.push({
      code: 'disturbed',
      stage,
      message: `While ${stage} was measured, ${others}.`,
      advice: 'The figures contain this. Give the machine fewer other tasks.',
    });
  }
  if (generator.lateness.p99Us > lateUs) {
    warnings.push({
      code: 'late-generator',
      stage,
      message: `The load generator itself was late by ${(generator.lateness.p99Us / 1000).toFixed(1)} ms at p99 in ${stage}.`,
      advice: `The response times contain this. ${remedyOf(load)}`,
    });
  }
  return warnings;
}

function remedyOf({ keepCoresAwake }: RunResult['load']): string {
  return keepCoresAwake === true
    ? 'Leave out --keep-cores-awake: where processor time is limited, what idle cores use of it is taken back in pauses.'
    : 'Give the machine fewer other tasks, or lower --rate.';
}

function jobWarnings({ stage, jobs = [] }: Block): Warning[] {
  return [...new Set(jobs.map(({ name }) => name))].flatMap((name) => {
    const failures = jobs.filter((job) => job.name === name && job.error !== undefined);
    if (failures.length === 0) return [];
    return [
      {
        code: 'job-failed',
        stage,
        message: `The background job ${name} failed ${formatPlural(failures.length, 'time')} in ${stage}: ${failures[0]!.error}.`,
        advice: 'The load ran without its work: correct its statements, or give it a longer timeoutMs.',
      },
    ];
  });
}

function ceilingWarnings({ stage, ratePerSecond, generator }: Block, known: GeneratorFigures | undefined): Warning[] {
  if (!known) return [];
  const ceilingPerSecond = known.ceilingPerSecond * generator.workers;
  if (ratePerSecond <= ceilingPerSecond * ceilingShare) return [];
  return [
    {
      code: 'near-ceiling',
      stage,
      message:
        `${formatRate(ratePerSecond)} is more than a tenth of the ${formatRate(ceilingPerSecond)} that the load generator ` +
        `can carry out here with ${formatPlural(generator.workers, 'worker')}.`,
      advice: 'Its own work may show in the latencies: give it more --workers, or a machine of its own.',
    },
  ];
}

/** Where the generator was late at the rate that was missed, it may be the generator that missed it. */
function capacityWarnings({ stage, missedPerSecond, steps }: CapacityResult): Warning[] {
  const ends = steps.filter(({ ratePerSecond, saturated }) => ratePerSecond === missedPerSecond && !saturated);
  if (!ends.some(({ latenessP99Us }) => latenessP99Us > lateUs)) return [];
  return [
    {
      code: 'late-generator',
      stage,
      message: `The load generator itself was late at ${formatRate(missedPerSecond!)}, the rate that ${stage} did not hold.`,
      advice: 'The stage may hold more: give the generator more --workers, or a machine of its own.',
    },
  ];
}
