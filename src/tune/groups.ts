/** Which settings of a profile are tried together, and what the comparisons say of them. Pure. */
import type { TunedSetting, Tuning, TuningStep } from './record.ts';

/** Settings that do one thing together: one without the others would prove nothing. */
const together: readonly (readonly [group: string, pattern: RegExp])[] = [
  ['maintenance', /^(maintenance_work_mem|autovacuum_work_mem|max_parallel_maintenance_workers)$/],
  [
    'planner costs',
    /^(random_page_cost|seq_page_cost|cpu_.*_cost|effective_io_concurrency|maintenance_io_concurrency)$/,
  ],
  ['write-ahead log', /^(wal_|max_wal_size|min_wal_size|checkpoint_)/],
  ['parallel queries', /^(max_parallel_|max_worker_processes|parallel_)/],
  ['autovacuum', /^(autovacuum|vacuum_)/],
  ['jit', /^jit/],
];

/** Settings without which the load or the measurement would not be what it is. */
const needed = new Set(['max_connections', 'shared_preload_libraries', 'compute_query_id', 'track_io_timing']);

export interface SettingGroup {
  name: string;
  settings: TunedSetting[];
}

/** The settings of a profile that are in question, by group; a setting that belongs to no other is a group by itself. */
export function groupSettings(settings: readonly TunedSetting[]): SettingGroup[] {
  const groups = new Map<string, TunedSetting[]>();
  for (const setting of settings) {
    const name = setting.name.toLowerCase();
    // Those of the stage itself are what is rehearsed, not the profile.
    if (needed.has(name) || setting.source === 'scenario') continue;
    const group = together.find(([, pattern]) => pattern.test(name))?.[0] ?? name;
    groups.set(group, [...(groups.get(group) ?? []), setting]);
  }
  return [...groups].map(([name, members]) => ({ name, settings: members }));
}

/** Groups that are proved not to be needed: p95 without them stays within what the gate allows. */
export function spareGroups({ steps }: Pick<Tuning, 'steps'>): string[] {
  return steps.filter(({ kind, outcome }) => kind === 'group' && outcome === 'pass').map(({ name }) => name);
}

export type MinimalProfile =
  /** `steps` prove it; what is not decided stays in. */
  | { status: 'found'; settings: TunedSetting[] }
  /** Each of several groups may go, but all of them at once were not proved to. */
  | { status: 'unconfirmed'; reason: string }
  | { status: 'unfinished' };

/** The smallest profile that is proved to be as fast as the whole one. */
export function minimalProfile({ groups, asked, steps }: Tuning): MinimalProfile {
  const whole = stepOf(steps, 'profile');
  if (whole?.outcome === 'pass') return { status: 'found', settings: [] };
  const spare = spareGroups({ steps });
  const tried = new Set(steps.filter(({ kind }) => kind === 'group').map(({ name }) => name));
  if (whole === undefined || asked.some((name) => !tried.has(name))) return { status: 'unfinished' };
  const minimal = stepOf(steps, 'minimal');
  if (spare.length > 1 && minimal === undefined) return { status: 'unfinished' };
  if (minimal !== undefined && minimal.outcome !== 'pass') return { status: 'unconfirmed', reason: minimal.reason };
  return {
    status: 'found',
    settings: groups.filter(({ name }) => !spare.includes(name)).flatMap(({ settings }) => settings),
  };
}

function stepOf(steps: readonly TuningStep[], kind: TuningStep['kind']): TuningStep | undefined {
  return steps.find((step) => step.kind === kind);
}
