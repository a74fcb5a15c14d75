/** The story of a load of requests: for each stage its database, its service, its answers, the load; judged like any other run. */
import { sep } from 'node:path';
import { Journal, type RunControl } from '../journal.ts';
import { compareAnswers, type Answers } from '../load/answers.ts';
import type { RunPlan } from '../plan.ts';
import { emptyResult, onStage, record, rehearse, warmStage } from '../rehearsal.ts';
import { formatCount, formatMs, formatRate, formatUs } from '../report/format.ts';
import type { Block, RunResult } from '../result.ts';
import { checkStage, compareEnds, readStage } from '../run.ts';
import type { StageSpec } from '../scenario.ts';
import type { ConnectionTarget, Server } from '../server/server.ts';
import { measureStage } from '../stage-block.ts';
import { databaseUrl } from './database-url.ts';
import type { HttpPlan, PlannedService } from './plan.ts';
import { takeHttpReadings } from './readings.ts';
import { drawerOf } from './scenario.ts';
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
function withDatabases(plan: HttpPlan, databases: RunPlan, control: RunControl): Promise<RunResult> {
  const serviceOf = (stage: string): PlannedService => plan.services.find((service) => service.stage === stage)!;
  return rehearse(databases, control, {}, async (rehearsal) => {
    const { journal } = rehearsal;
    let reference: Answers | undefined;
    for (const stage of rehearsal.stages) {
      const { planned } = stage;
      const answers = await onStage(stage, rehearsal, async (live) => {
        const { connection, server } = live;
        const service = serviceOf(planned.spec.name);
        noteService(journal.result, service, plan);
        await checkStage(planned, 'seeded', connection, rehearsal);
        await warmStage(live, rehearsal);
        const database = { connection, server, jobs: planned.spec.jobs };
        const answers = await rehearseService(service, { plan, journal, reference, database });
        await readStage(planned, connection, rehearsal);
        await checkStage(planned, 'loaded', connection, rehearsal);
        await driveInClosedLoop(service, { plan, journal, database });
        return answers;
      });
      reference ??= answers;
      await journal.save();
    }
    await compareEnds(rehearsal, ({ planned, server, connection }) =>
      startService(serviceOf(planned.spec.name), { plan, journal, database: { server, connection } }),
    );
  });
}

/** Services that have a database of their own, or none. */
async function withoutDatabases(plan: HttpPlan, control: RunControl): Promise<RunResult> {
  const scenario = { ...plan.scenario, claims: plan.scenario.http.claims ?? [] };
  const basis = { ...plan, scenario, server: { kind: 'none' }, postgres: { version: '', major: 0 }, stages: [] };
  const journal = new Journal(emptyResult(basis), plan.outDir, control);
  if (plan.pairsAsked && plan.services.length > 1) {
    journal.note('No comparison by pairs: it takes databases of ours, on which several services can be alive at once.');
  }
  for (const sentence of plan.leftovers) journal.note(sentence);
  return record(basis, journal, control, async () => {
    let reference: Answers | undefined;
    for (const service of plan.services) {
      journal.result.stages.push(stageWithoutDatabase(service, plan));
      noteService(journal.result, service, plan);
      const answers = await rehearseService(service, { plan, journal, reference });
      await driveInClosedLoop(service, { plan, journal });
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

function noteService({ stages }: RunResult, { spec }: PlannedService, { project }: HttpPlan): void {
  const { command, url, env = {} } = spec;
  // As people would type it in the project's folder.
  const typed = command?.map((part) => (part === process.execPath ? 'node' : part.replace(`${project}${sep}`, '')));
  stages.at(-1)!.service = {
    ...(typed === undefined ? {} : { command: typed.join(' ') }),
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
    server: Server;
    jobs?: StageSpec['jobs'];
  };
}

/** Asks the service what the first stage was asked, and drives the load. */
function rehearseService(planned: PlannedService, context: ServiceContext): Promise<Answers> {
  return withService(planned, context, async (service) => {
    const answers = await compareWith(planned, service, context);
    context.journal.result.blocks.push(await measure(planned, service, context));
    await context.journal.save();
    return answers;
  });
}

/** Lets `work` have the service of a stage, which is gone afterwards. */
async function withService<T>(
  planned: PlannedService,
  context: Omit<ServiceContext, 'reference'>,
  work: (service: Service) => Promise<T>,
): Promise<T> {
  const { signal } = context.journal;
  await using service = await startService(planned, context);
  try {
    const outcome = await work(service);
    signal?.throwIfAborted();
    service.died.throwIfAborted();
    return outcome;
  } catch (error) {
    signal?.throwIfAborted();
    // A service that died shows as many different errors of its clients; its own last words have the cause.
    throw await service.explain(error);
  }
}

/** After all that is judged, on a service of its own: what the closed loop writes is in nobody's way there. */
async function driveInClosedLoop(planned: PlannedService, context: Omit<ServiceContext, 'reference'>): Promise<void> {
  const { plan, journal } = context;
  const { closedLoopMs, load, scenario } = plan;
  if (closedLoopMs === undefined) return;
  const title = `Ask again at once for ${formatMs(closedLoopMs)} (closed loop)`;
  await withService(planned, context, (service) =>
    journal.part({ name: 'measure', title, stage: planned.stage }, async () => {
      // Loaded here, because most loads are open only.
      const { closedLoop } = await import('./closed-loop.ts');
      const figures = await closedLoop({
        stage: planned.stage,
        origin: service.origin,
        requests: scenario.http.requests,
        drawer: drawerOf(scenario, plan),
        connections: load.connections,
        durationMs: closedLoopMs,
        timeoutMs: load.statementTimeoutMs,
        ...(journal.signal === undefined ? {} : { signal: journal.signal }),
      });
      (journal.result.closedLoop ??= []).push(figures);
      return { detail: `${formatRate(figures.answeredPerSecond)}, p95 ${formatUs(figures.p95Us)}` };
    }),
  );
}

async function startService(
  planned: PlannedService,
  { plan, journal, database }: Omit<ServiceContext, 'reference'>,
): Promise<Service> {
  const { stage, spec } = planned;
  const title = spec.url === undefined ? 'Start the service' : 'Find the service';
  const { service } = await journal.part({ name: 'server', title, stage }, async () => {
    const service = await openService({
      spec,
      stage,
      folder: plan.project,
      cacheDir: plan.cacheDir,
      ...(database === undefined ? {} : { databaseUrl: urlOf(database) }),
      ...(journal.signal === undefined ? {} : { signal: journal.signal }),
      onCompanionEnd: (message) => {
        journal.note(message);
        const advice = 'The service went on without it: look at its errors, and at the seconds after.';
        journal.result.warnings.push({ code: 'companion-ended', stage, message, advice });
      },
    });
    return { service, detail: service.origin };
  });
  return service;
}

function urlOf({ server, connection }: NonNullable<ServiceContext['database']>): string {
  return databaseUrl(server.loopbackConnection(connection.database));
}

async function compareWith(
  { stage, answersDiffer }: PlannedService,
  service: Service,
  { plan, journal, reference }: ServiceContext,
): Promise<Answers> {
  const title = reference ? 'Compare answers' : 'Collect answers';
  const { answers } = await journal.part({ name: 'correctness', title, stage }, async () => {
    // Loaded here, as most commands need no HTTP client.
    const { collectHttpAnswers } = await import('./answers.ts');
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

function measure({ stage }: PlannedService, service: Service, context: ServiceContext): Promise<Block> {
  const { plan, journal, database } = context;
  const { connection, server, jobs } = database ?? {};
  return measureStage({
    plan,
    journal,
    stage,
    load: plan.load,
    what: 'requests',
    destination: { origin: service.origin, ...(connection === undefined ? {} : { database: connection }) },
    ...(jobs === undefined ? {} : { jobs }),
    ...(server === undefined || server.kind === 'external' ? {} : { processes: server.processes }),
    // Which statements a request leads to, only the service knows.
    ...(connection === undefined ? {} : { observed: { connection, major: server!.major, transactions: [] } }),
    afterLoad: () => endService(stage, service, context),
    signal: AbortSignal.any([service.died, ...(journal.signal === undefined ? [] : [journal.signal])]),
  });
}

/**
 * Asks the service for its own figures and stops it before the last look at its database: PostgreSQL's idle sessions report their last
 * work after ten seconds only (PGSTAT_IDLE_INTERVAL in pgstat.c), those that end at once.
 */
async function endService(stage: string, service: Service, { plan, journal }: ServiceContext): Promise<void> {
  const { readings } = plan.scenario.http;
  const isOver = journal.signal?.aborted === true || service.died.aborted;
  if (readings !== undefined && !isOver) {
    const taken = await takeHttpReadings(readings, { stage, origin: service.origin });
    (journal.result.readings ??= []).push(...taken);
  }
  await service[Symbol.asyncDispose]();
}
