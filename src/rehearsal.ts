/** What every command has in common that measures stages: their snapshots, each stage alive on its clone, the result at the end. */
import { changedStatements } from './changes.ts';
import { assessClaims } from './claims.ts';
import { databaseBytes, databaseName, relationSizes } from './database.ts';
import { DiskWatch } from './disk-watch.ts';
import { messageOf } from './errors.ts';
import { Journal, type RunControl } from './journal.ts';
import type { DatabaseRoute } from './load/route.ts';
import type { RunPlan } from './plan.ts';
import type { PlannedStage } from './stage-plan.ts';
import { clonePart, prepareBaseline, prepareStage, type PreparedStage } from './prepare.ts';
import { formatBytes, formatPlural } from './report/format.ts';
import { writeReport } from './report/write.ts';
import { schemaVersion, type RunResult } from './result.ts';
import { DockerSnapshots } from './server/docker/snapshots.ts';
import { ExternalSnapshots } from './server/external/snapshots.ts';
import { settingsOf, type ResolvedProfile } from './server/profiles.ts';
import type { ConnectionTarget, Server } from './server/server.ts';
import { reserveLocation, startServer } from './server/start.ts';
import { SnapshotStore, type Snapshots } from './snapshot.ts';
import { describeTopology } from './topology/describe.ts';
import { LiveTopology } from './topology/live.ts';
import { toolVersion } from './tool.ts';
import { judge } from './verdict.ts';
import { warmServer } from './warm-server.ts';
import { warningsOf } from './warnings.ts';

export interface Rehearsal {
  plan: RunPlan;
  journal: Journal;
  store: Snapshots;
  stages: PreparedStage[];
}

/**
 * Prepares the snapshots of all stages, lets `story` measure them, and judges. The result is written at the end in any case.
 *
 * @param findings what the story will fill beside the blocks: it tells what kind of result this is, even if nothing comes of it
 * @returns the result, with verdict, also when the signal interrupted the story (status `interrupted`)
 * @throws PgrehearseError when it cannot go on; what is finished is in result.json with status `failed`
 */
export async function rehearse(
  plan: RunPlan,
  control: RunControl,
  findings: Pick<RunResult, 'capacity' | 'probe' | 'calibration' | 'tuning' | 'liveMigration'>,
  story: (rehearsal: Rehearsal) => Promise<void>,
): Promise<RunResult> {
  using watch = await DiskWatch.start({ ...plan, signal: control.signal });
  const journal = new Journal({ ...emptyResult(plan), ...findings }, plan.outDir, { ...control, signal: watch.signal });
  return await record(plan, journal, control, async () => {
    try {
      await using store = await openStore(plan, journal);
      await story({ plan, journal, store, stages: await prepareStages(plan, store, journal, watch) });
    } catch (error) {
      throw watch.explain(error);
    }
  });
}

/** What a result needs of a plan. */
type ResultPlan = Pick<
  RunPlan,
  | 'id'
  | 'command'
  | 'folder'
  | 'commit'
  | 'host'
  | 'generator'
  | 'load'
  | 'slo'
  | 'gate'
  | 'offered'
  | 'postgres'
  | 'outDir'
> & {
  scenario: Pick<RunPlan['scenario'], 'name' | 'title' | 'description' | 'claims'>;
  server: { kind: string };
  stages: readonly Pick<PlannedStage, 'migrations'>[];
};

/**
 * Lets `work` fill the journal, then judges what there is and writes it: also when the work failed or was interrupted.
 *
 * @throws what `work` throws, unless the signal interrupted it
 */
export async function record(
  plan: ResultPlan,
  journal: Journal,
  control: RunControl,
  work: () => Promise<void>,
): Promise<RunResult> {
  const { result } = journal;
  try {
    await work();
    result.status = 'complete';
  } catch (error) {
    const interrupted = control.signal?.aborted === true;
    result.status = interrupted ? 'interrupted' : 'failed';
    if (!interrupted) {
      result.warnings.push({ code: 'failed', message: messageOf(error), advice: 'Mend the cause and run again.' });
      throw error;
    }
  } finally {
    await conclude(plan, journal);
  }
  return result;
}

async function prepareStages(
  plan: RunPlan,
  store: Snapshots,
  journal: Journal,
  watch: DiskWatch,
): Promise<PreparedStage[]> {
  const baseline = await prepareBaseline(plan, store, journal, watch);
  await journal.save();
  const stages: PreparedStage[] = [];
  for (const planned of plan.stages) {
    stages.push({ planned, prepared: await prepareStage(planned, baseline, stages, plan, store, journal) });
  }
  return stages;
}

export async function openStore(plan: RunPlan, journal: Journal): Promise<Snapshots> {
  for (const sentence of plan.leftovers) journal.note(sentence);
  const onNotice = (sentence: string): void => journal.note(sentence);
  if (plan.server.kind === 'external') return ExternalSnapshots.open(plan.server.target, onNotice);
  const options = { limitBytes: plan.cacheLimitBytes, onNotice };
  if (plan.server.kind === 'docker') return new DockerSnapshots(plan.server.image, plan.cacheDir, options);
  return new SnapshotStore(plan.cacheDir, options);
}

/** A stage alive on a clone and a server of its own. */
export interface LiveStage {
  planned: PlannedStage;
  /** To the server itself. */
  connection: ConnectionTarget;
  server: Server;
  /** Where its transactions go. */
  route: DatabaseRoute;
  /** Of this machine that work for it, each with all that it starts: what they use is nobody else's. */
  processes: readonly number[];
  /** Aborted with the error to tell when what stands before the server ended by itself. */
  died: AbortSignal | undefined;
}

/** How a stage is made alive, where it differs from the stage alone on the host. */
export interface LiveOptions {
  profile?: ResolvedProfile;
  /** Default: a free one. */
  port?: number;
}

/** Lets `work` have the stage alive on a clone and a server of its own, which are gone afterwards, and describes it in the result. */
export async function onStage<T>(
  stage: PreparedStage,
  rehearsal: Rehearsal,
  work: (live: LiveStage) => Promise<T>,
): Promise<T> {
  const { port } = rehearsal.plan;
  return onClone(stage, rehearsal, port === undefined ? {} : { port }, async (live) => {
    tellGaps(stage, live.server, rehearsal.journal);
    await describeStage(stage, live, rehearsal);
    return work(live);
  });
}

/** Lets `work` have the stage alive on a clone and a server of its own, which are gone afterwards. */
export async function onClone<T>(
  { planned, prepared }: PreparedStage,
  { plan, store, journal }: Rehearsal,
  { profile = planned.profile, port }: LiveOptions,
  work: (live: LiveStage) => Promise<T>,
): Promise<T> {
  const { server: found, postgres, cacheDir } = plan;
  await using place = await reserveLocation(found, cacheDir);
  const { location } = place;
  await clonePart(prepared.snapshot, location, planned.spec.name, store, journal);
  const { signal } = journal;
  await using topology = await LiveTopology.start({
    topology: planned.topology,
    stage: planned.spec.name,
    cacheDir,
    load: planned.load,
    location,
    settings: settingsOf(profile),
    port,
    signal,
    start: ({ port: own, ...order }) =>
      startServer({
        server: found,
        postgres,
        cacheDir,
        ...order,
        ...(own === undefined ? {} : { port: own }),
        ...(signal === undefined ? {} : { signal }),
      }),
    reserve: () => reserveLocation(found, cacheDir),
  });
  const { server, route, processes, died } = topology;
  try {
    const done = await work({ planned, server, connection: server.connection(databaseName), route, processes, died });
    died?.throwIfAborted();
    return done;
  } catch (error) {
    signal?.throwIfAborted();
    // A crashed server shows as many different errors of its clients; its log has the cause.
    throw await topology.explain(error);
  }
}

/** What stands before a load, as a part of the run. */
export async function warmStage(
  { planned, server, connection }: LiveStage,
  { journal }: Pick<Rehearsal, 'journal'>,
): Promise<void> {
  await journal.part({ name: 'server', title: 'Warm the server', stage: planned.spec.name }, async () => {
    const { bufferBytes, walFiles } = await warmServer(server, connection, journal.signal);
    return { detail: `${formatBytes(bufferBytes)} in its buffers, ${formatPlural(walFiles, 'WAL file')} made` };
  });
}

function tellGaps({ planned }: PreparedStage, { gaps }: Server, journal: Journal): void {
  for (const { name, value, reason } of gaps) {
    journal.note(`${planned.spec.name}: ${name} stays at ${value}, because ${reason}.`);
  }
}

/** What the server really has, where it is not what the profile asks for. */
function inForce(setting: ResolvedProfile['settings'][number], { gaps }: Server): ResolvedProfile['settings'][number] {
  const gap = gaps.find(({ name }) => name === setting.name);
  if (gap === undefined) return setting;
  return { ...setting, value: gap.value, reason: `not ${setting.value} as asked for, because ${gap.reason}` };
}

async function describeStage(
  { planned, prepared: { snapshot, cached, applied } }: PreparedStage,
  { connection, server }: LiveStage,
  { plan, journal }: Rehearsal,
): Promise<void> {
  const { spec, load, profile } = planned;
  const topology = describeTopology(planned, plan.scenario);
  journal.result.stages.push({
    name: spec.name,
    description: spec.description,
    migrations: spec.migrations,
    profile: profile.name,
    connections: load.connections,
    ...(load.pool === undefined ? {} : { pool: load.pool }),
    statementTimeoutMs: load.statementTimeoutMs,
    ...(topology === undefined ? {} : { topology }),
    settings: profile.settings.map((setting) => inForce(setting, server)),
    applied,
    snapshotKey: snapshot.key,
    cached,
    databaseBytes: await databaseBytes(connection),
    relations: await relationSizes(connection),
  });
}

/** Parts of results that say nothing of stages at one rate, nor of single queries. */
const otherFindings = new Set(['capacity', 'calibration', 'tuning', 'liveMigration']);

/** Judges what there is, and writes result and report; also after an interruption. */
async function conclude(plan: ResultPlan, journal: Journal): Promise<void> {
  const { result } = journal;
  result.finishedAt = new Date().toISOString();
  // Claims are about stages at the rate of the load, which only a run offers, or about single queries, which a probe times.
  if (Object.keys(result).every((key) => !otherFindings.has(key))) {
    result.claims = assessClaims(plan.scenario.claims ?? [], result);
  }
  result.warnings.push(...warningsOf(result));
  const unjudged = [result.probe, result.calibration, result.tuning];
  if (unjudged.every((other) => other === undefined)) result.verdict = judge(result);
  await journal.save();
  await writeReport(plan.outDir, result);
}

/** A result without figures. */
export function emptyResult(plan: ResultPlan): RunResult {
  const { scenario } = plan;
  return {
    schemaVersion,
    id: plan.id,
    status: 'running',
    startedAt: new Date().toISOString(),
    tool: { version: toolVersion, node: process.version },
    command: plan.command,
    ...(plan.commit === undefined ? {} : { commit: plan.commit }),
    host: plan.host,
    ...(plan.generator === undefined ? {} : { generator: plan.generator }),
    server: { kind: plan.server.kind, ...plan.postgres },
    scenario: {
      name: scenario.name,
      title: scenario.title,
      description: scenario.description,
      transactions: plan.offered,
    },
    load: plan.load,
    slo: plan.slo,
    gate: plan.gate,
    changes: changedStatements(plan.stages[0]?.migrations ?? [], plan.stages.at(-1)?.migrations ?? [], plan.folder),
    stages: [],
    phases: [],
    blocks: [],
    answers: [],
    invariants: [],
    claims: [],
    warnings: [],
  };
}
