/** Everything that can be known and checked before anything long starts. */
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Config } from './config.ts';
import { EnvironmentError, ExitCode, messageOf, PgrehearseError, UsageError } from './errors.ts';
import { readMigrations, type Migration } from './migrate.ts';
import type { Host } from './result.ts';
import { defaultLoad, defaultSlo, type LoadSpec, type ScenarioSpec, type SloSpec, type StageSpec } from './scenario.ts';
import { checkScenario } from './scenario-check.ts';
import { findScenario, projectFolder } from './scenario-file.ts';
import { importScenario } from './scenario-module.ts';
import { createCatalog, seedDigest, type SeedCatalog } from './seed/catalog.ts';
import { findBinaries } from './server/binaries.ts';
import { assertDiskSpace, defaultCacheDir, ensureCacheFolder } from './server/cache.ts';
import { describeHost } from './server/host.ts';
import { assertPortFree } from './server/ports.ts';
import { resolveProfile, type ResolvedProfile } from './server/profiles.ts';

/** What the user asked for; everything but the scenario has a default. */
export interface RunRequest {
  /** Name or path. */
  scenario: string;
  /** Folder that relative paths count from. */
  folder: string;
  config: Config;
  stages?: readonly string[];
  /** Size of the data: 1 is full size. Default 1. */
  scale?: number;
  /** Number that all random choices derive from. Default 1. */
  seed?: number;
  load?: Partial<LoadSpec>;
  /** Folder for result and report. Default: a new one below `out` of the config, or reports/runs. */
  out?: string;
  /** Port for the server. Default: a free one. */
  port?: number;
  /** The command as given, for the record. */
  command?: string;
}

export interface PlannedStage {
  spec: StageSpec;
  profile: ResolvedProfile;
  /** Migrations up to the stage, the baseline included. */
  migrations: Migration[];
}

/** A run whose parts have all been found and checked. */
export interface RunPlan {
  id: string;
  command: string;
  scenario: ScenarioSpec;
  scenarioFile: string;
  stages: PlannedStage[];
  /** Migrations up to the baseline. */
  baseline: Migration[];
  load: LoadSpec;
  slo: SloSpec;
  seed: number;
  scale: number;
  seedDigest: string;
  catalog: SeedCatalog;
  host: Host;
  postgres: { version: string; major: number };
  cacheDir: string;
  outDir: string;
  port: number | undefined;
}

/**
 * Finds the scenario and checks it, its migrations, profiles, folders, disk and port.
 *
 * @throws UsageError or EnvironmentError that tells all faults at once
 */
export async function planRun(request: RunRequest): Promise<RunPlan> {
  const { folder, config, scale = 1, seed = 1 } = request;
  const scenarioFile = await findScenario(request.scenario, folder, config);
  const scenario = await importScenario(scenarioFile);
  await checkScenario(scenario, scenarioFile);
  const migrations = await readMigrations(resolve(await projectFolder(scenarioFile), scenario.workload.migrations));
  const load = { ...defaultLoad, ...scenario.load, ...config.load, ...request.load };
  const host = describeHost();
  const cacheDir = config.cacheDir ?? (await defaultCacheDir());
  const postgres = await findBinaries(await ensureCacheFolder(cacheDir));
  const catalog = createCatalog(scenario.workload.seed, { seed, scale });
  const id = runId(scenario.name);
  const outDir = resolve(folder, request.out ?? resolve(folder, config.out ?? 'reports/runs', id));

  const checks = new FaultList();
  const baseline = checks.try(() => upTo(migrations, scenario.workload.baseline, 'workload.baseline')) ?? [];
  const stages = chooseStages(scenario, request.stages, checks).flatMap((spec) => {
    const planned = checks.try(() => planStage(spec, migrations, { host, load, config, major: postgres.major }));
    return planned ? [planned] : [];
  });
  if (request.port !== undefined) await checks.tryAsync(() => assertPortFree(request.port!));
  await checks.tryAsync(() => assertWritable(outDir));
  await checks.tryAsync(() =>
    assertDiskSpace(cacheDir, neededBytes(scenario, catalog, stages.length), `${scenario.name} at scale ${scale}`),
  );
  checks.throwIfAny();

  return {
    id,
    command: request.command ?? `pgrehearse run ${scenario.name}`,
    scenario,
    scenarioFile,
    stages,
    baseline,
    load,
    slo: { ...defaultSlo, ...scenario.slo },
    seed,
    scale,
    seedDigest: seedDigest(scenario.workload.seed, { seed, scale }),
    catalog,
    host,
    postgres: { version: postgres.version, major: postgres.major },
    cacheDir,
    outDir,
    port: request.port,
  };
}

/** Collects what goes wrong, so that all faults are told at once. */
class FaultList {
  readonly #faults: unknown[] = [];

  try<T>(check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      this.#faults.push(error);
      return undefined;
    }
  }

  async tryAsync(check: () => Promise<void>): Promise<void> {
    await check().catch((error: unknown) => this.#faults.push(error));
  }

  /** One fault is thrown as it is; of several the gravest exit code leads: wrong use before a failing world. */
  throwIfAny(): void {
    const foreign = this.#faults.find((fault) => !(fault instanceof PgrehearseError));
    if (foreign !== undefined) throw foreign;
    const faults = this.#faults as PgrehearseError[];
    if (faults.length <= 1) {
      if (faults[0]) throw faults[0];
      return;
    }
    const message = `${faults.length} things are wrong:\n${faults.map((fault) => `  - ${fault.message}${fault.hint ? ` ${fault.hint}` : ''}`).join('\n')}`;
    const wrongUse = faults.some((fault) => fault.exitCode === ExitCode.usage);
    throw wrongUse ? new UsageError(message) : new EnvironmentError(message);
  }
}

function runId(scenario: string): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${time}-${scenario}-${randomBytes(2).toString('hex')}`;
}

function chooseStages(scenario: ScenarioSpec, names: readonly string[] | undefined, checks: FaultList): StageSpec[] {
  if (names === undefined) return [...scenario.stages];
  const known = scenario.stages.map((stage) => stage.name);
  for (const name of names.filter((name) => !known.includes(name))) {
    checks.try(() => {
      throw new UsageError(`The scenario ${scenario.name} has no stage ${name}.`, {
        hint: `Known: ${known.join(', ')}.`,
      });
    });
  }
  return scenario.stages.filter((stage) => names.includes(stage.name));
}

function planStage(
  spec: StageSpec,
  migrations: Migration[],
  context: { host: Host; load: LoadSpec; config: Config; major: number },
): PlannedStage {
  const { host, load, config, major } = context;
  const profile = resolveProfile(spec.profile, host, { connections: load.connections, major }, config.profiles);
  const extra = Object.entries(spec.settings ?? {}).map(([name, value]) => ({
    name,
    value: String(value),
    reason: `stage ${spec.name}`,
  }));
  const overridden = new Set(extra.map((setting) => setting.name));
  const settings = [...profile.settings.filter((setting) => !overridden.has(setting.name)), ...extra];
  return {
    spec,
    profile: { ...profile, settings },
    migrations: upTo(migrations, spec.migrations, `stages.${spec.name}.migrations`),
  };
}

function upTo(migrations: Migration[], version: string, path: string): Migration[] {
  if (version === 'latest') return migrations;
  const at = migrations.findIndex((migration) => migration.version === version);
  if (at >= 0) return migrations.slice(0, at + 1);
  throw new UsageError(`${path}: there is no migration ${version}.`, {
    hint: `Known: ${migrations.map((migration) => migration.version).join(', ')}, latest.`,
  });
}

async function assertWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new EnvironmentError(`The folder ${folder} cannot be written: ${messageOf(error)}.`, {
      hint: 'Choose another with --out.',
      cause: error,
    });
  }
}

/**
 * A generous guess from a few rows of each table: twice the plain data for headers and indexes; a snapshot of each stage
 * and one clone live on the disk at the same time, and a migration may double the largest table for a while.
 */
function neededBytes({ workload }: ScenarioSpec, catalog: SeedCatalog, stages: number): number {
  let dataBytes = 0;
  for (const [table, { columns }] of Object.entries(workload.seed.tables)) {
    dataBytes += catalog.rows(table) * (sampledRowBytes(catalog, table, Object.keys(columns)) + 28);
  }
  return Math.round(dataBytes * 2 * (stages + 2) + 1e9);
}

function sampledRowBytes(catalog: SeedCatalog, table: string, columns: readonly string[]): number {
  const rows = Math.min(20, catalog.rows(table));
  let bytes = 0;
  for (let row = 0; row < rows; row += 1) {
    for (const column of columns) bytes += JSON.stringify(catalog.cell(table, column, row) ?? '').length;
  }
  return rows === 0 ? 0 : bytes / rows;
}
