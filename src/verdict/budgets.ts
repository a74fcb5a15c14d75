/** The gates of a migration under load: budgets, judged on the worst repeat. These are limits that people set, no statistics. */
import { adviceFor } from '../live-migration/advice.ts';
import type { KillPoint, LiveMigration, LiveRepeat } from '../live-migration/record.ts';
import { formatCount, formatMs, formatPlural, formatUs } from '../report/format.ts';
import type { Gate, RunResult } from '../result.ts';

/** A generator that is late by a tenth of the budget for a stall says little about stalls. */
const latenessShare = 0.1;
const leastLatenessMs = 5;

/** Locks that keep readers out, and those that keep writers out. */
const excluding = new Set(['AccessExclusiveLock', 'ExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock']);

export function judgeLiveMigration(result: RunResult): Gate[] {
  const live = result.liveMigration!;
  return [
    judgeSoundness(result, live),
    judgeInvariants(result),
    judgeApplied(live),
    ...judgeTakenBack(live),
    ...judgeBudgets(live),
    ...judgeKillPoints(live),
    ...judgeInterleavings(live),
  ];
}

function judgeSoundness({ status }: RunResult, { repeats, budgets }: LiveMigration): Gate {
  const name = 'validity' as const;
  if (status !== 'complete' || repeats.length === 0) {
    return { name, outcome: 'inconclusive', reason: `the rehearsal did not finish (${status}).` };
  }
  const allowedMs = Math.max(leastLatenessMs, budgets.maxStallMs * latenessShare);
  const worstUs = Math.max(...repeats.map(({ generatorLatenessP99Us }) => generatorLatenessP99Us));
  const lateness = `p99 of the load generator's own lateness ${formatUs(worstUs)}, ${formatMs(allowedMs)} allowed.`;
  return { name, outcome: worstUs / 1000 >= allowedMs ? 'invalid' : 'pass', reason: lateness };
}

function judgeInvariants({ invariants }: RunResult): Gate {
  const broken = invariants.filter(({ holds }) => !holds);
  const name = 'correctness' as const;
  if (broken.length === 0) {
    return { name, outcome: 'pass', reason: `${formatPlural(invariants.length, 'invariant check')}, none broken.` };
  }
  return {
    name,
    outcome: 'fail',
    reason: `after the migration ${broken[0]!.name} does not hold: ${broken[0]!.description}.`,
  };
}

function judgeApplied({ repeats, to }: LiveMigration): Gate {
  const failed = repeats.find(({ outcome }) => outcome === 'failed');
  return {
    name: 'budget',
    outcome: failed === undefined ? 'pass' : 'fail',
    reason:
      failed === undefined
        ? `the migration to "${to}" was applied in every repeat.`
        : `the migration to "${to}" failed: ${firstLine(failed.error!)}`,
  };
}

function judgeTakenBack({ downs, from }: LiveMigration): Gate[] {
  if (downs === undefined) return [];
  const faults = downs.flatMap((down) => faultOfWayBack(down, from) ?? []);
  const again = downs.some(({ roundTrip }) => roundTrip !== undefined) ? ', and could be applied again' : '';
  const taken = `the migration was taken back to "${from}" in ${formatPlural(downs.length, 'repeat')}${again}.`;
  return [{ name: 'budget', outcome: faults.length === 0 ? 'pass' : 'fail', reason: faults[0] ?? taken }];
}

/** In a sentence; undefined where it leads back, and there again. */
function faultOfWayBack({ outcome, error, roundTrip }: LiveRepeat, from: string): string | undefined {
  if (outcome === 'failed') return `taking the migration back to "${from}" failed: ${firstLine(error!)}`;
  const { notRestored = [], differs = [], error: again } = roundTrip ?? {};
  if (notRestored.length > 0) return `taken back, the schema is not that of "${from}": ${notRestored[0]}.`;
  if (again !== undefined) return `taken back, the migration cannot be applied again: ${firstLine(again)}`;
  return differs.length > 0 ? `applied again, the migration makes another schema: ${differs[0]}.` : undefined;
}

/** Whoever kills a migration must be able to mend it, and nothing may be lost. */
function judgeKillPoints({ killPoints = [] }: LiveMigration): Gate[] {
  if (killPoints.length === 0) return [];
  const lost = killPoints.find(({ dataFaults }) => dataFaults.length > 0);
  const broken = killPoints.find(({ faults }) => faults.length > 0);

  if (lost !== undefined) {
    return [
      { name: 'correctness', outcome: 'fail', reason: `${place(lost)}, its rows differ: ${lost.dataFaults[0]}.` },
    ];
  }
  if (broken !== undefined) {
    return [
      {
        name: 'budget',
        outcome: 'fail',
        reason: `${place(broken)}, it was not mended: ${firstLine(broken.faults[0]!)}`,
      },
    ];
  }
  const longestMs = Math.max(...killPoints.map(({ recoveryMs }) => recoveryMs));
  const reason = `ended by force at ${formatPlural(killPoints.length, 'point')} and mended within ${formatMs(longestMs)}, with the same schema and rows as undisturbed.`;
  return [{ name: 'budget', outcome: 'pass', reason }];
}

function place({ file, line, kind }: KillPoint): string {
  return `killed at ${file}:${line} (${kind})`;
}

function firstLine(text: string): string {
  return text.split('\n')[0]!;
}

function judgeInterleavings({ interleavings }: LiveMigration): Gate[] {
  if (interleavings === undefined || interleavings.tried === 0) return [];
  const [found] = interleavings.deadlocks;
  if (found === undefined) {
    return [
      {
        name: 'budget',
        outcome: 'pass',
        reason: `no deadlock in ${formatPlural(interleavings.tried, 'interleaving')}.`,
      },
    ];
  }
  const { migration, other, seed } = found;
  const reason = `"${migration}" of the migration and "${other}" deadlock (interleaving ${seed}). Let both lock in the same order, or give each table a file of its own.`;
  return [{ name: 'budget', outcome: 'fail', reason }];
}

/** A figure of a repeat that has a budget. */
interface Budgeted {
  allowed: number;
  of: (repeat: LiveRepeat) => number;
  say: (worst: number, allowed: number) => string;
  /** Advice about slow statements helps against it. */
  bySlowStatements?: boolean;
}

function judgeBudgets(live: LiveMigration): Gate[] {
  const { budgets, downs = [] } = live;
  const repeats = [...live.repeats, ...downs];
  if (repeats.length === 0) return [];
  const all: Budgeted[] = [
    {
      allowed: budgets.maxStallMs,
      of: ({ impact }) => impact.longestStallMs,
      bySlowStatements: true,
      say: (worst, allowed) => `no transaction was completed for ${formatMs(worst)}, ${formatMs(allowed)} allowed`,
    },
    ...stallBudgets(live, repeats),
    {
      allowed: budgets.maxBlockedMs,
      of: ({ queue }) => queue.blockedMs,
      bySlowStatements: true,
      say: (worst, allowed) =>
        `client sessions were blocked for ${formatMs(worst)} together, ${formatMs(allowed)} allowed`,
    },
    {
      allowed: budgets.maxFailed,
      of: ({ impact }) => impact.failed,
      say: (worst, allowed) => `${formatPlural(worst, 'transaction')} failed, ${formatCount(allowed)} allowed`,
    },
    {
      allowed: budgets.maxLockHoldMs,
      of: longestExclusion,
      say: (worst, allowed) =>
        `a lock that keeps others out was held for ${formatMs(worst)}, ${formatMs(allowed)} allowed`,
    },
    {
      allowed: budgets.maxInvalidObjects,
      of: ({ invalidIndexes, unvalidatedConstraints }) => invalidIndexes.length + unvalidatedConstraints.length,
      say: (worst, allowed) =>
        `${formatPlural(worst, 'invalid index or constraint', 'invalid indexes or constraints')} left, ${formatCount(allowed)} allowed`,
    },
  ];
  return [...all, ...replicaBudget(live)].map(({ allowed, of, say, bySlowStatements }) => {
    const worst = Math.max(...repeats.map(of));
    const fails = worst > allowed;
    const advice = fails && bySlowStatements === true ? adviceFor(live)[0] : undefined;
    return {
      name: 'budget' as const,
      outcome: fails ? ('fail' as const) : ('pass' as const),
      reason: `${say(worst, allowed)}.${advice === undefined ? '' : ` ${advice.advice}`}`,
    };
  });
}

/** Of writes one may come in a second: then a pause of a second is no stall. */
const usualShare = 1 / 3;

/** Reads and writes by themselves, where they are often enough for the budget to mean something. */
function stallBudgets({ budgets: { maxStallMs } }: LiveMigration, repeats: readonly LiveRepeat[]): Budgeted[] {
  // Where nothing was completed for so long, neither were reads and writes.
  if (repeats.some(({ impact }) => impact.longestStallMs > maxStallMs)) return [];
  return (['read', 'write'] as const).flatMap((access) => {
    const all = repeats.flatMap(({ impact }) => impact.stalls?.filter((stall) => stall.access === access) ?? []);
    if (all.length === 0 || all.some(({ usualMs }) => usualMs > maxStallMs * usualShare)) return [];
    return [
      {
        allowed: maxStallMs,
        of: ({ impact }) => impact.stalls?.find((stall) => stall.access === access)?.longestMs ?? 0,
        bySlowStatements: true,
        say: (worst, allowed) => `no ${access} was completed for ${formatMs(worst)}, ${formatMs(allowed)} allowed`,
      },
    ];
  });
}

/** Only where a replica was seen: a budget that nothing could exceed would say that it was kept. */
function replicaBudget({ budgets, repeats, downs = [] }: LiveMigration): Budgeted[] {
  const allowed = budgets.maxReplicaLagMs;
  if (allowed === undefined || [...repeats, ...downs].every((repeat) => replicaLag(repeat) === undefined)) return [];
  return [
    {
      allowed,
      of: (repeat) => replicaLag(repeat) ?? 0,
      say: (worst, most) => `a replica was ${formatMs(worst)} behind, ${formatMs(most)} allowed`,
    },
  ];
}

function replicaLag({ server }: LiveRepeat): number | undefined {
  return server?.replica?.mostMs;
}

function longestExclusion({ locks }: LiveRepeat): number {
  return Math.max(0, ...locks.filter(({ mode }) => excluding.has(mode)).map(({ heldMs }) => heldMs));
}
