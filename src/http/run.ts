/** The story of a load of requests: for each stage its database, its service, its answers, the load; judged like any other run. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Journal, type RunControl } from '../journal.ts';
import { compareAnswers, type Answers } from '../load/answers.ts';
import { runBlock } from '../load/engine.ts';
import { emptyResult, onStage, record, rehearse } from '../rehearsal.ts';
import { formatCount, formatMs, formatUs } from '../report/format.ts';
import type { Block, RunResult } from '../result.ts';
import { checkStage, describeBlock, readStage, saturatedMinimumMs } from '../run.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { collectHttpAnswers } from './answers.ts';
import { databaseUrl } from './database-url.ts';
import type { HttpPlan, PlannedService } from './plan.ts';
import { openService, type Service } from './service.ts';

/**
 * Carries out a planned load of requests. The result is written to the plan's folder after every stage.
 *
 * @returns the result, with verdict, also when the signal interrupted the run (status `interrupted`)
 * @throws PgrehearseError when the run cannot go on, as when a service dies; finished stages are in result.json with status `failed`
 */
export function runHttp(plan: HttpPlan, control: RunControl = {}): Promise<RunResult> {
  const { databases } = plan;
  return databases === undefined ? withoutDatabases(plan, control) : withDatabases(plan, databases, control);
}

/** The databases behind the services, and what is asked of them beside the requests. */
function withDatabases(
  plan: HttpPlan,
  databases: NonNullable<HttpPlan['databases']>,
  control: RunControl,
): Promise<RunResult> {
  return rehearse(databases, control, {}, async (rehearsal) => {
    const { journal } = rehearsal;
    let reference: Answers | undefined;
    for (const stage of rehearsal.stages) {
      const { planned } = stage;
      const service = plan.services.find((candidate) => candidate.stage === planned.spec.name)!;
      const answers = await onStage(stage, rehearsal, async (connection, server) => {
        noteService(journal.result, service);
        await checkStage(planned, 'seeded', connection, rehearsal);
        const url = databaseUrl(server.loopbackConnection(connection.database));
        const database = { connection, url, jobs: planned.spec.jobs };
        const answers = await rehearseService(service, { plan, journal, reference, database });
        await readStage(planned, connection, rehearsal);
        await checkStage(planned, 'loaded', connection, rehearsal);
        return answers;
      });
      reference ??= answers;
      await journal.save();
    }
  });
}

/** Services that have a database of their own, or none. */
async function withoutDatabases(plan: HttpPlan, control: RunControl): Promise<RunResult> {
  const basis = { ...plan, server: { kind: 'none' }, postgres: { version: '', major: 0 }, stages: [] };
  const journal = new Journal(emptyResult(basis), plan.outDir, control);
  return record(basis, journal, control, async () => {
    let reference: Answers | undefined;
    for (const service of plan.services) {
      journal.result.stages.push(stageWithoutDatabase(service, plan));
      noteService(journal.result, service);
      const answers = await rehearseService(service, { plan, journal, reference });
      reference ??= answers;
      await journal.save();
    }
  });
}

function stageWithoutDatabase({ stage, description }: PlannedService, { load }: HttpPlan): RunResult['stages'][number] {
  return {
    name: stage,
    description,
    migrations: '',
    profile: '',
    connections: load.connections,
    settings: [],
    applied: [],
    snapshotKey: '',
    cached: false,
    databaseBytes: 0,
    relations: [],
  };
}

/** Variables whose values are nobody's business. */
const secret = /pass|secret|token|key|url/i;

function noteService({ stages }: RunResult, { spec }: PlannedService): void {
  const { command, url, env = {} } = spec;
  stages.at(-1)!.service = {
    ...(command === undefined ? {} : { command: command.join(' ') }),
    ...(url === undefined ? {} : { url }),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, secret.test(name) ? '***' : value])),
  };
}

interface ServiceContext {
  plan: HttpPlan;
  journal: Journal;
  /** Answers of the first stage. */
  reference: Answers | undefined;
  /** Of the stage, where it is ours. */
  database?: {
    connection: ConnectionTarget;
    url: string;
    jobs: NonNullable<HttpPlan['databases']>['stages'][number]['spec']['jobs'];
  };
}

/** Starts the service, asks it what the first stage was asked, drives the load, stops it. */
async function rehearseService(planned: PlannedService, context: ServiceContext): Promise<Answers> {
  const { journal } = context;
  await using service = await startService(planned, context);
  try {
    return await driveService(planned, service, context);
  } catch (error) {
    journal.signal?.throwIfAborted();
    // A service that died shows as many different errors of its clients; its own last words have the cause.
    throw await service.explain(error);
  }
}

async function driveService(planned: PlannedService, service: Service, context: ServiceContext): Promise<Answers> {
  const { journal } = context;
  const answers = await compareWith(planned, service, context);
  const block = await measure(planned, service, context);
  journal.result.blocks.push(block);
  await journal.save();
  journal.signal?.throwIfAborted();
  service.died.throwIfAborted();
  return answers;
}

async function startService(planned: PlannedService, { plan, journal, database }: ServiceContext): Promise<Service> {
  const { stage, spec } = planned;
  const title = spec.url === undefined ? 'Start the service' : 'Find the service';
  const { service } = await journal.part({ name: 'server', title, stage }, async () => {
    const service = await openService({
      spec,
      stage,
      folder: plan.project,
      ...(database === undefined ? {} : { databaseUrl: database.url }),
      ...(journal.signal === undefined ? {} : { signal: journal.signal }),
    });
    return { service, detail: service.origin };
  });
  return service;
}

async function compareWith(
  { stage, answersDiffer }: PlannedService,
  service: Service,
  { plan, journal, reference }: ServiceContext,
): Promise<Answers> {
  const title = reference ? 'Compare answers' : 'Collect answers';
  const { answers } = await journal.part({ name: 'correctness', title, stage }, async () => {
    const answers = await collectHttpAnswers(plan, stage, service, journal.signal);
    if (!reference) return { answers, detail: 'reference for the later stages' };
    const outcomes = compareAnswers(reference, answers, answersDiffer);
    journal.result.answers.push(...outcomes);
    const compared = outcomes.reduce((sum, outcome) => sum + outcome.compared, 0);
    const different = outcomes.reduce((sum, outcome) => sum + outcome.different, 0);
    return { answers, detail: `${formatCount(compared)} compared, ${formatCount(different)} different` };
  });
  return answers;
}

async function measure(
  { stage }: PlannedService,
  service: Service,
  { plan, journal, database }: ServiceContext,
): Promise<Block> {
  const { load, slo } = plan;
  const samplesName = `samples/${stage}.bin`;
  await mkdir(join(plan.outDir, 'samples'), { recursive: true });
  const totalMs = load.warmupMs + load.durationMs;
  const title = `Send ${formatCount(load.ratePerSecond)} requests a second for ${formatMs(load.durationMs)}`;
  const { block } = await journal.part({ name: 'measure', title, stage }, async () => {
    const block = await runBlock({
      scenarioFile: plan.scenarioFile,
      stage,
      id: stage,
      blockNumber: 0,
      origin: service.origin,
      ...(database === undefined ? {} : { database: database.connection }),
      ...(database?.jobs === undefined ? {} : { jobs: database.jobs }),
      seed: plan.seed,
      scale: plan.scale,
      load,
      ...(load.shape === undefined ? {} : { shape: load.shape }),
      workers: plan.workers,
      slo,
      samplesPath: join(plan.outDir, samplesName),
      samplesName,
      minimumMs: Math.min(saturatedMinimumMs, load.durationMs),
      signal: AbortSignal.any([service.died, ...(journal.signal === undefined ? [] : [journal.signal])]),
      onProgress: ({ elapsedMs, completed, failed, backlog, p95Us }) =>
        journal.progress(
          `${formatCount(Math.round((completed / elapsedMs) * 1000))}/s, p95 ${formatUs(p95Us)}, ` +
            `${formatCount(failed)} failed, ${formatCount(backlog)} waiting`,
          Math.min(1, elapsedMs / totalMs),
          Math.max(0, (totalMs - elapsedMs) / 1000),
        ),
    });
    return { block, detail: describeBlock(block) };
  });
  return block;
}
