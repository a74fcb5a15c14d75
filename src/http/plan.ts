/** What can be checked of a load of requests before anything starts. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { readCommit } from '../commit.ts';
import { UsageError } from '../errors.ts';
import { FaultList } from '../faults.ts';
import { coresFor } from '../load/idle-cores.ts';
import { assertWorkers } from '../load/schedule.ts';
import { assertWritable, offeredBy, planRun, runId, type RunPlan, type RunRequest } from '../plan.ts';
import { defaultGate, defaultSlo, type LoadSpec, type ScenarioSpec } from '../scenario.ts';
import { findScenario, projectFolder } from '../scenario-file.ts';
import { defaultCacheDir } from '../server/cache.ts';
import { describeHost } from '../server/host.ts';
import { reapLeftovers } from '../server/leftovers.ts';
import { checkHttpScenario } from './check-scenario.ts';
import { httpLoad } from './load.ts';
import { importHttpScenario, serviceOf, withVariants, type HttpScenario } from './scenario.ts';
import type { HttpLoadSpec, ServiceSpec } from './spec.ts';

/** What the user asked for; everything but the scenario has a default. */
export interface HttpRunRequest extends Omit<RunRequest, 'load' | 'beforeRef'> {
  load?: Partial<HttpLoadSpec>;
  /** Also drive each stage in a closed loop for so long, after the load. */
  closedLoopMs?: number;
  /** Load services on other machines too. */
  allowRemote?: boolean;
}

/** The service of one stage. */
export interface PlannedService {
  stage: string;
  description: string;
  spec: ServiceSpec;
  /** Reasons by request. */
  answersDiffer: Readonly<Record<string, string>>;
}

/** A load of requests whose parts have all been found and checked. */
export interface HttpPlan extends Pick<
  RunPlan,
  | 'id'
  | 'command'
  | 'folder'
  | 'scenarioFile'
  | 'commit'
  | 'host'
  | 'generator'
  | 'load'
  | 'offered'
  | 'workers'
  | 'slo'
  | 'gate'
  | 'seed'
  | 'scale'
  | 'outDir'
  | 'cacheDir'
  | 'leftovers'
> {
  scenario: HttpScenario;
  /** Where the commands of services are started. */
  project: string;
  services: PlannedService[];
  closedLoopMs: number | undefined;
  /** A comparison was asked for, which needs databases. */
  pairsAsked: boolean;
  /** How the stages' databases are made; undefined where there is none of ours. */
  databases: RunPlan | undefined;
}

/**
 * Finds the scenario and checks it, its services and, where it has a workload and services that we start, all that `run` would check.
 *
 * @throws UsageError or EnvironmentError that tells all faults at once
 */
export async function planHttp(request: HttpRunRequest): Promise<HttpPlan> {
  const { folder, config, seed = 1, scale = 1, workers = 1 } = request;
  const scenarioFile = await findScenario(request.scenario, folder, config);
  const imported = await importHttpScenario(scenarioFile);
  await checkHttpScenario(imported, scenarioFile);
  const scenario = withVariants(imported);
  const load = httpLoad({ ...loadOf(scenario), ...config.load }, scenario.http.load ?? {}, request.load ?? {});
  const checks = new FaultList();
  checks.try(() => assertWorkers(workers, load.connections));
  checks.try(() => coresFor(load)[Symbol.dispose]());
  const services = servicesOf(scenario, request, checks);
  const databases = needsDatabases(scenario, services) ? await planDatabases(request, load, scenario) : undefined;
  const host = databases?.host ?? describeHost();
  const id = databases?.id ?? runId(scenario.name);
  const cacheDir = config.cacheDir ?? (await defaultCacheDir());
  const plan: HttpPlan = {
    id,
    command: request.command ?? `pgrehearse http ${scenario.name}`,
    folder,
    scenario,
    scenarioFile,
    project: await projectFolder(scenarioFile),
    services,
    closedLoopMs: request.closedLoopMs,
    pairsAsked: request.comparison !== undefined,
    databases,
    load,
    offered: offeredBy(scenario.http.requests),
    workers,
    seed,
    scale,
    slo: { ...defaultSlo, ...scenario.slo, ...config.slo, ...request.slo },
    gate: { ...defaultGate, ...scenario.gate, ...config.gate, ...request.gate },
    host,
    commit: await readCommit(folder),
    generator: undefined,
    cacheDir,
    leftovers: databases?.leftovers ?? (await reapLeftovers(cacheDir)),
    outDir: resolve(folder, request.out ?? resolve(folder, config.out ?? 'reports/runs', id)),
  };
  await checks.tryAsync(() => assertWritable(plan.outDir));
  checks.throwIfAny();
  return plan;
}

function loadOf(scenario: HttpScenario & Pick<Partial<ScenarioSpec>, 'load'>): Partial<LoadSpec> {
  return scenario.load ?? {};
}

/** A service that runs already has a database of its own. */
function needsDatabases({ workload }: HttpScenario, services: readonly PlannedService[]): boolean {
  return workload !== undefined && services.some(({ spec }) => spec.command !== undefined);
}

/** The plan of `run`, for the same stages, with requests in place of transactions, and the claims about them. */
async function planDatabases(request: HttpRunRequest, load: LoadSpec, { http }: HttpScenario): Promise<RunPlan> {
  const { load: _, allowRemote: __, closedLoopMs: ___, ...rest } = request;
  const plan = await planRun({ ...rest, adapt: (scenario) => withVariants(scenario) });
  assertNoTopology(plan);
  return {
    ...plan,
    load,
    // What is known of the generator is known of transactions.
    generator: undefined,
    offered: offeredBy(http.requests),
    comparison: plan.comparison && { ...plan.comparison, warmupMs: load.warmupMs },
    stages: plan.stages.map((stage) => ({ ...stage, load })),
    scenario: { ...plan.scenario, claims: http.claims ?? [] },
  };
}

/** A service connects by itself: it could not be told which of its statements a replica may carry out. */
function assertNoTopology({ stages }: RunPlan): void {
  const stage = stages.find(({ topology }) => topology !== undefined);
  if (stage === undefined) return;
  throw new UsageError(
    `The stage ${stage.spec.name} has a topology, which pgrehearse http cannot put behind a service.`,
    {
      hint: 'Leave it out of the stage, or drive transactions with pgrehearse run.',
    },
  );
}

function servicesOf(scenario: HttpScenario, request: HttpRunRequest, checks: FaultList): PlannedService[] {
  const services = chosenStages(scenario, request.stages, checks).map(({ name, description }) => ({
    stage: name,
    description,
    spec: serviceOf(scenario.http, name),
    answersDiffer: scenario.http.stages?.[name]?.answersDiffer ?? {},
  }));
  if (request.allowRemote !== true) for (const service of services) checks.try(() => assertLoopback(service));
  if (scenario.workload !== undefined) checks.try(() => assertOneKind(services));
  return services;
}

function chosenStages({ name, stages }: HttpScenario, names: readonly string[] | undefined, checks: FaultList) {
  if (names === undefined) return [...new Set([stages[0]!, stages.at(-1)!])];
  if (names.length === 1 && names[0] === 'all') return stages;
  const known = stages.map((stage) => stage.name);
  for (const missing of names.filter((stage) => !known.includes(stage))) {
    checks.try(() => {
      throw new UsageError(`The scenario ${name} has no stage ${missing}.`, {
        hint: `Known: ${known.join(', ')}, and all.`,
      });
    });
  }
  return stages.filter((stage) => names.includes(stage.name));
}

/** A load that was meant for a test system and reaches another one is an attack. */
function assertLoopback({ stage, spec: { url } }: PlannedService): void {
  if (url === undefined) return;
  const host = new URL(url).hostname.replaceAll(/[[\]]/g, '');
  if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) return;
  throw new UsageError(`The service of stage ${stage} is on another machine: ${url}.`, {
    hint: 'Where it is yours to load, say so with --allow-remote.',
  });
}

/** Databases are made for all stages or for none. */
function assertOneKind(services: readonly PlannedService[]): void {
  const started = services.filter(({ spec }) => spec.command !== undefined).map(({ stage }) => stage);
  if (started.length === 0 || started.length === services.length) return;
  throw new UsageError(`Of the stages only ${started.join(', ')} is started by us, the others run already.`, {
    hint: 'Give every stage a command, or every stage a url: otherwise their databases have nothing in common.',
  });
}
