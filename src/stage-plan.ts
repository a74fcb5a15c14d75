/** The stages of a run: which of them, with which migrations, settings, load and servers. */
import { resolve } from 'node:path';
import { serversCompared } from './comparison/plan.ts';
import type { Config } from './config.ts';
import { UsageError } from './errors.ts';
import type { FaultList } from './faults.ts';
import { assertPool, loadOfStage } from './load-check.ts';
import { readMigrations, type Migration } from './migrate.ts';
import type { Host } from './result.ts';
import type { LoadSpec, ScenarioSpec, StageSpec } from './scenario.ts';
import type { FoundServer } from './server/choice.ts';
import { usableMemoryBytes } from './server/host.ts';
import { resolveProfile, withFiles, type CustomProfiles, type ResolvedProfile } from './server/profiles.ts';
import { assertReplicates, findPgBouncer, mayPrepare, planTopology, type PlannedTopology } from './topology/plan.ts';
import { serversOf } from './topology/routing.ts';

/** What the user asked for of the stages. */
export interface StageRequest {
  config: Pick<Config, 'profiles'>;
  /** In place of the profile that each stage names. */
  profile?: string;
  /** Names, or `all` of them; default: the first and the last. None for a seeding alone. */
  stages?: readonly string[];
}

export interface PlannedStage {
  spec: StageSpec;
  /** The run's, with what the stage has of its own. */
  load: LoadSpec;
  profile: ResolvedProfile;
  /** The same profile where the host is shared with the other servers of a comparison. */
  sharedProfile: ResolvedProfile;
  /** Migrations up to the stage, the baseline included. */
  migrations: Migration[];
  /** Undefined: the server alone. */
  topology: PlannedTopology | undefined;
}

/** What the stages of a run have in common. */
export interface StageBasis {
  scenario: ScenarioSpec;
  project: string;
  migrationsOf: (stage?: StageSpec) => Migration[];
  baseline: readonly Migration[];
  load: LoadSpec;
  server: FoundServer;
  postgres: { major: number };
  host: Host;
}

/** Those that can be planned; what is wrong with the others is in `checks`. */
export async function planStages(request: StageRequest, basis: StageBasis, checks: FaultList): Promise<PlannedStage[]> {
  const { scenario, project, migrationsOf, baseline, load, server, postgres, host } = basis;
  const chosen = chooseStages(scenario, request.stages, checks);
  const pgBouncer = chosen.some(({ topology }) => topology?.pooler) ? await findPgBouncer() : undefined;
  return chosen.flatMap((stage) => {
    const spec = request.profile === undefined ? stage : { ...stage, profile: request.profile };
    const planned = checks.try(() =>
      planStage(spec, migrationsOf(spec), {
        baseline,
        host,
        load: loadOfStage(spec, load),
        profiles: withFiles(request.config.profiles, [spec.profile], project),
        major: postgres.major,
        topology: planTopology(spec, server, pgBouncer),
      }),
    );
    return planned ? [planned] : [];
  });
}

/** In place of names. */
const everyStage = 'all';

function chooseStages(scenario: ScenarioSpec, names: readonly string[] | undefined, checks: FaultList): StageSpec[] {
  if (names === undefined) return [...new Set([scenario.stages[0]!, scenario.stages.at(-1)!])];
  if (names.length === 1 && names[0] === everyStage) return [...scenario.stages];
  const known = scenario.stages.map((stage) => stage.name);
  for (const name of names.filter((name) => !known.includes(name))) {
    checks.try(() => {
      throw new UsageError(`The scenario ${scenario.name} has no stage ${name}.`, {
        hint: `Known: ${known.join(', ')}, and ${everyStage} for every one of them.`,
      });
    });
  }
  return scenario.stages.filter((stage) => names.includes(stage.name));
}

function planStage(
  spec: StageSpec,
  migrations: Migration[],
  context: {
    baseline: readonly Migration[];
    host: Host;
    load: LoadSpec;
    profiles: CustomProfiles;
    major: number;
    topology: PlannedTopology | undefined;
  },
): PlannedStage {
  const { baseline, host, load, topology } = context;
  assertBaseline(spec, migrations, baseline);
  assertPool(spec, load);
  const servers = serversOf(spec);
  const profile = stageProfile(spec, servers === 1 ? host : shareOf(host, servers), context);
  if (topology !== undefined) assertReplicates(spec, profile);
  return {
    spec,
    load: topology === undefined || mayPrepare(topology) ? load : { ...load, prepared: false },
    profile,
    sharedProfile: stageProfile(spec, shareOf(host, serversCompared * servers), context),
    topology,
    migrations: upTo(migrations, spec.migrations, `stages.${spec.name}.migrations`),
  };
}

/** Migrations of a stage, or of the workload; every folder is read once. */
export async function readAllMigrations(
  { workload, stages }: ScenarioSpec,
  project: string,
): Promise<(stage?: StageSpec) => Migration[]> {
  const folders = new Set([workload.migrations, ...stages.flatMap(({ migrationsFolder = [] }) => migrationsFolder)]);
  const read = new Map<string, Migration[]>();
  for (const folder of folders)
    read.set(folder, await readMigrations(resolve(project, folder), workload.migrationsFormat));
  return (stage) => read.get(stage?.migrationsFolder ?? workload.migrations)!;
}

/** All stages grow from one seeded baseline. */
function assertBaseline(spec: StageSpec, migrations: readonly Migration[], baseline: readonly Migration[]): void {
  const other = baseline.find(({ sha256 }, at) => migrations[at]?.sha256 !== sha256);
  if (other === undefined) return;
  throw new UsageError(
    `stages.${spec.name}: migration ${other.version} of the baseline is another one in ${spec.migrationsFolder ?? 'its folder'}.`,
    {
      hint: 'A baseline that was changed after the fact cannot be compared: put the change into a migration of its own.',
    },
  );
}

/** A host as one of several servers on it should see it. */
function shareOf(host: Host, servers: number): Host {
  return { ...host, memoryBytes: Math.floor(usableMemoryBytes(host) / servers) };
}

function stageProfile(
  spec: StageSpec,
  host: Host,
  { load, profiles, major }: { load: LoadSpec; profiles: CustomProfiles; major: number },
): ResolvedProfile {
  const profile = resolveProfile(spec.profile, host, { connections: load.connections, major }, profiles);
  const extra = Object.entries(spec.settings ?? {}).map(([name, value]) => ({
    name,
    value: String(value),
    reason: `set by the stage ${spec.name}`,
    source: 'scenario',
  }));
  const overridden = new Set(extra.map((setting) => setting.name));
  return { ...profile, settings: [...profile.settings.filter((setting) => !overridden.has(setting.name)), ...extra] };
}

/** @throws UsageError where there is no such version */
export function upTo(migrations: Migration[], version: string, path: string): Migration[] {
  if (version === 'latest') return migrations;
  const at = migrations.findIndex((migration) => migration.version === version);
  if (at >= 0) return migrations.slice(0, at + 1);
  throw new UsageError(`${path}: there is no migration ${version}.`, {
    hint: `Known: ${migrations.map((migration) => migration.version).join(', ')}, latest.`,
  });
}
