/** Everything that can be known and checked before anything long starts. */
import { randomBytes, randomInt } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readCommit, type Commit } from './commit.ts';
import { planComparison, serversCompared, type ComparisonRequest } from './comparison/plan.ts';
import type { ComparisonPlan } from './comparison/record.ts';
import { containerLimits, sizeBytes, type Config } from './config.ts';
import { EnvironmentError, messageOf, UsageError } from './errors.ts';
import { FaultList } from './faults.ts';
import { DiskNeed } from './disk-need.ts';
import type { Migration } from './migrate.ts';
import { coresFor } from './load/idle-cores.ts';
import { assertArrivals, assertWorkers } from './load/schedule.ts';
import { knownGeneratorFigures } from './generator-figures.ts';
import type { GeneratorFigures, Host, RunResult } from './result.ts';
import {
  defaultGate,
  defaultLoad,
  defaultSlo,
  type GateSpec,
  type LoadSpec,
  type ScenarioSpec,
  type SloSpec,
} from './scenario.ts';
import { loadShape } from './load-check.ts';
import { checkScenario, faultsOf } from './scenario-check.ts';
import { findScenario, projectFolder } from './scenario-file.ts';
import { importScenario } from './scenario-module.ts';
import { writeScenarioOfRefs } from './refs.ts';
import { createCatalog, seedDigest, type SeedCatalog } from './seed/catalog.ts';
import { defaultCacheDir, ensureCacheFolder } from './server/cache.ts';
import { assertDiskSpace, nearestExisting, roomHint } from './server/disk.ts';
import { isInCache, locateServer, serverChoice, type FoundServer } from './server/choice.ts';
import type { DockerLimits } from './server/docker/image.ts';
import { describeHost } from './server/host.ts';
import { reapLeftovers } from './server/leftovers.ts';
import { assertPortFree } from './server/ports.ts';
import { snapshotKey, type KeyParts } from './snapshot/manifest.ts';
import { planStages, readAllMigrations, upTo, type PlannedStage, type StageRequest } from './stage-plan.ts';
import { serversOf } from './topology/routing.ts';

/** What the user asked for; everything but the scenario has a default. */
export interface RunRequest extends StageRequest {
  /** Name or path. */
  scenario: string;
  /** Folder that relative paths count from. */
  folder: string;
  config: Config;
  /** Git reference whose scenario and migrations are "before"; the working tree's are "after". */
  beforeRef?: string;
  /** What the scenario is taken for: a load of requests may have stages of its own. */
  adapt?: (scenario: ScenarioSpec) => ScenarioSpec;
  /** Size of the data: 1 is full size. Default 1. */
  scale?: number;
  /** Number that all random choices derive from. Default 1. */
  seed?: number;
  load?: Partial<LoadSpec>;
  slo?: Partial<SloSpec>;
  gate?: Partial<GateSpec>;
  /** Default: stages are measured one by one and not compared by pairs. */
  comparison?: ComparisonRequest;
  /** Worker threads of the load generator. Default 1. */
  workers?: number;
  /** Folder for result and report. Default: a new one below `out` of the config, or reports/runs. */
  out?: string;
  /** Port for the server. Default: a free one. */
  port?: number;
  /** As `--server` takes it. Default: of the config, else `embedded`. */
  server?: string;
  /** What a container may use, for a server in Docker. Default: all of its engine. */
  docker?: DockerLimits;
  /** Use a server that looks like production. */
  allowProduction?: boolean;
  /** PostgreSQL's major version. Default: of the config, else the newest that the server has. */
  pg?: number;
  /** The command as given, for the record. */
  command?: string;
}

/** A run whose parts have all been found and checked. */
export interface RunPlan {
  id: string;
  command: string;
  /** Folder in which the run was started. */
  folder: string;
  scenario: ScenarioSpec;
  scenarioFile: string;
  stages: PlannedStage[];
  /** Migrations up to the baseline. */
  baseline: Migration[];
  load: LoadSpec;
  /** What the load consists of. */
  offered: RunResult['scenario']['transactions'];
  workers: number;
  slo: SloSpec;
  gate: GateSpec;
  /** How the first stage is compared with the last where both hold the rate; undefined when the user does without. */
  comparison: ComparisonPlan | undefined;
  seed: number;
  scale: number;
  seedDigest: string;
  catalog: SeedCatalog;
  need: DiskNeed;
  /** What earlier runs had left and was cleaned up, and what the server lacks, in sentences. */
  leftovers: string[];
  host: Host;
  /** What profiles are computed from: this machine, with the memory and cores that a container may use in place of its own. */
  serverHost: Host;
  /** What is checked out in `folder`; undefined outside of a repository. */
  commit: Commit | undefined;
  /** Of this machine, where they were measured before. */
  generator: GeneratorFigures | undefined;
  server: FoundServer;
  postgres: { version: string; major: number };
  cacheDir: string;
  /** Size of all snapshots beyond which those that were not used for longest are dropped. */
  cacheLimitBytes: number;
  outDir: string;
  port: number | undefined;
}

/** Room for about five workloads at full size. */
const defaultCacheLimit = '60GB';

/**
 * Finds the scenario and checks it, its migrations, profiles, folders, disk and port.
 *
 * @throws UsageError or EnvironmentError that tells all faults at once
 */
export async function planRun(request: RunRequest): Promise<RunPlan> {
  const { folder, config, scale = 1, seed = 1, workers = 1 } = request;
  const found = await findScenario(request.scenario, folder, config);
  const scenarioFile = request.beforeRef === undefined ? found : await writeScenarioOfRefs(found, request.beforeRef);
  const imported = await importScenario(scenarioFile);
  const scenario = request.adapt?.(imported) ?? imported;
  await checkScenario(scenario, scenarioFile);
  const project = await projectFolder(scenarioFile);
  const migrationsOf = await readAllMigrations(scenario, project);
  const load = { ...defaultLoad, ...scenario.load, ...config.load, ...request.load };
  const host = describeHost();
  const cacheDir = config.cacheDir ?? (await defaultCacheDir());
  // Before the disk is looked at: killed runs may have left gigabytes.
  const leftovers = await reapLeftovers(cacheDir);
  const serverName = request.server ?? config.server;
  const limits = containerLimits(config, serverName, request.docker);
  const choice = serverChoice(serverName, request.pg ?? config.pg, limits);
  const { server, postgres, notes, resources } = await locateServer(choice, await ensureCacheFolder(cacheDir), {
    // Compared stages are alive at the same time.
    connections: load.connections * (request.comparison === undefined ? 1 : serversCompared),
    allowProduction: request.allowProduction ?? false,
  });
  const serverHost = { ...host, ...resources };
  const id = runId(scenario.name);
  const checks = new FaultList();
  checks.try(() => assertLoad(load));
  checks.try(() => coresFor(load)[Symbol.dispose]());
  const baseline = checks.try(() => upTo(migrationsOf(), scenario.workload.baseline, 'workload.baseline')) ?? [];
  const stages = await planStages(
    request,
    { scenario, project, migrationsOf, baseline, load, server, postgres, host: serverHost },
    checks,
  );
  for (const connections of new Set(stages.map((stage) => stage.load.connections))) {
    checks.try(() => assertWorkers(workers, connections));
  }
  const basis = { scenario, postgres, seed, scale, seedDigest: seedDigest(scenario.workload.seed, { seed, scale }) };
  const catalog = createCatalog(scenario.workload.seed, { seed, scale });
  const keys = snapshotKeys(basis, [baseline, ...stages.map(({ migrations }) => migrations)]);
  const plan: RunPlan = {
    id,
    command: request.command ?? `pgrehearse run ${scenario.name}`,
    folder,
    ...basis,
    scenarioFile,
    stages,
    baseline,
    load,
    offered: offeredBy(scenario.workload.transactions),
    workers,
    slo: { ...defaultSlo, ...scenario.slo, ...config.slo, ...request.slo },
    gate: { ...defaultGate, ...scenario.gate, ...config.gate, ...request.gate },
    comparison: request.comparison && planComparison(request.comparison, randomInt(2 ** 31), load.warmupMs),
    catalog,
    leftovers: [...leftovers, ...notes, ...new Set(stages.flatMap(({ profile }) => profile.notes))],
    need: await DiskNeed.of(cacheDir, {
      spec: scenario.workload.seed,
      seed,
      scale,
      catalog,
      keys,
      clones: Math.max(0, ...stages.map(({ spec }) => serversOf(spec))),
    }),
    host,
    serverHost,
    server,
    commit: await readCommit(folder),
    generator: await knownGeneratorFigures(cacheDir, host),
    cacheDir,
    cacheLimitBytes: sizeBytes(config.cacheLimit ?? defaultCacheLimit),
    outDir: resolve(folder, request.out ?? resolve(folder, config.out ?? 'reports/runs', id)),
    port: request.port,
  };
  await checkEnvironment(plan, checks);
  checks.throwIfAny();
  return plan;
}

/** Transactions, or other work in their place, as a result lists them. */
export function offeredBy(
  work: Readonly<Record<string, Omit<RunPlan['offered'][number], 'name'>>>,
): RunPlan['offered'] {
  return Object.entries(work).map(([name, { description, weight, access }]) => ({ name, description, weight, access }));
}

async function checkEnvironment(plan: RunPlan, checks: FaultList): Promise<void> {
  const { port, outDir, cacheDir, scenario, scale, need } = plan;
  if (port !== undefined) await checks.tryAsync(() => assertPortFree(port));
  await checks.tryAsync(() => assertWritable(outDir));
  const what = `${scenario.name} at scale ${scale}`;
  if (!isInCache(plan.server)) return;
  const hint = (roomBytes: number): string => roomHint(need.scaleFor(roomBytes));
  await checks.tryAsync(() => assertDiskSpace(cacheDir, need.bytes, what, hint));
}

/** Everything that shapes a snapshot's rows; what does not is not in its key. */
export function snapshotParts(
  plan: Pick<RunPlan, 'postgres' | 'scenario' | 'seedDigest' | 'seed' | 'scale'>,
  migrations: readonly Migration[],
): KeyParts {
  return {
    postgresMajor: plan.postgres.major,
    workload: plan.scenario.workload.name,
    migrations: migrations.map(({ version, sha256 }) => `${version}:${sha256}`),
    seedDigest: plan.seedDigest,
    seed: plan.seed,
    scale: plan.scale,
  };
}

function snapshotKeys(basis: Parameters<typeof snapshotParts>[0], ladders: readonly Migration[][]): Set<string> {
  return new Set(ladders.map((migrations) => snapshotKey(snapshotParts(basis, migrations))));
}

export function runId(scenario: string): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${time}-${scenario}-${randomBytes(2).toString('hex')}`;
}

/** Load comes from scenario, config and flags; what counts is what they add up to. */
function assertLoad(load: LoadSpec): void {
  const parsed = loadShape.safeParse(load);
  if (!parsed.success) {
    throw new UsageError(`The load is not possible: ${faultsOf(parsed.error).join('; ')}.`, {
      hint: 'Correct --rate, --duration or --connections, or the load of the scenario.',
    });
  }
  assertArrivals({ ratePerSecond: load.ratePerSecond, durationMs: load.warmupMs + load.durationMs });
}

/** Makes nothing: a plan that fails leaves no folder behind. */
export async function assertWritable(folder: string): Promise<void> {
  try {
    // With the dot, a file in the place of a folder is an error.
    await access(`${await nearestExisting(folder)}/.`, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new EnvironmentError(`The folder ${folder} cannot be written: ${messageOf(error)}.`, {
      hint: 'Choose another with --out.',
      cause: error,
    });
  }
}
