/** The story of a run: seed, then stage by stage clone, start, compare answers, drive the load, check; judge at the end. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { assessClaims } from './claims.ts';
import { databaseBytes, databaseName, relationSizes } from './database.ts';
import { DiskWatch } from './disk-watch.ts';
import { messageOf } from './errors.ts';
import { checkInvariants } from './invariants.ts';
import { Journal, type RunControl } from './journal.ts';
import { collectAnswers, compareAnswers, type Answers } from './load/answers.ts';
import { runBlock } from './load/engine.ts';
import type { PlannedStage, RunPlan } from './plan.ts';
import { clonePart, prepareBaseline, prepareStage, type StageSnapshot } from './prepare.ts';
import { formatCount, formatMs, formatPlural, formatUs } from './report/format.ts';
import { writeReport } from './report/write.ts';
import { schemaVersion, type Block, type RunResult, type SeedSummary } from './result.ts';
import { startEmbedded } from './server/embedded.ts';
import { createRunFolder } from './server/leftovers.ts';
import { settingsOf } from './server/profiles.ts';
import type { ConnectionTarget } from './server/server.ts';
import { SnapshotStore } from './snapshot.ts';
import { toolVersion } from './tool.ts';
import { judge } from './verdict.ts';
import { warningsOf } from './warnings.ts';

/** Parameter sets whose answers are compared, and the time that one transaction may take for them in one stage. */
const answerSets = 200;
const answerBudgetMs = 12_000;

/** A stage that cannot hold the rate still gets this much counted time, so that its figures mean something. */
const saturatedMinimumMs = 10_000;

/**
 * Carries out a planned run. The result is written to the plan's folder after every part.
 *
 * @returns the result, with verdict, also when the signal interrupted the run (status `interrupted`)
 * @throws PgrehearseError when the run cannot go on; what is finished is in result.json with status `failed`
 */
export async function run(plan: RunPlan, control: RunControl = {}): Promise<RunResult> {
  using watch = await DiskWatch.start({ ...plan, signal: control.signal });
  const journal = new Journal(emptyResult(plan), plan.outDir, { ...control, signal: watch.signal });
  const { result } = journal;
  try {
    await rehearseStages(plan, journal, watch);
    result.status = 'complete';
  } catch (thrown) {
    const error = watch.explain(thrown);
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

/**
 * Seeds the scenario's baseline into the cache, or finds it there.
 *
 * @returns what was seeded, with the times of the run that did it
 */
export async function seedSnapshot(plan: RunPlan, control: RunControl = {}): Promise<SeedSummary> {
  using watch = await DiskWatch.start({ ...plan, signal: control.signal });
  const journal = new Journal(emptyResult(plan), plan.outDir, { ...control, signal: watch.signal });
  try {
    await using store = await openStore(plan, journal);
    const baseline = await prepareBaseline(plan, store, journal, watch);
    return baseline.details['seed'] as SeedSummary;
  } catch (error) {
    throw watch.explain(error);
  }
}

async function rehearseStages(plan: RunPlan, journal: Journal, watch: DiskWatch): Promise<void> {
  await using store = await openStore(plan, journal);
  const baseline = await prepareBaseline(plan, store, journal, watch);
  await journal.save();
  const prepared: StageSnapshot[] = [];
  for (const stage of plan.stages) prepared.push(await prepareStage(stage, baseline, plan, store, journal));
  let reference: Answers | undefined;
  for (const [at, stage] of plan.stages.entries()) {
    const answers = await rehearseStage(stage, prepared[at]!, { plan, store, journal, reference });
    reference ??= answers;
    await journal.save();
  }
}

async function openStore(plan: RunPlan, journal: Journal): Promise<SnapshotStore> {
  for (const sentence of plan.leftovers) journal.note(sentence);
  return new SnapshotStore(plan.cacheDir, {
    limitBytes: plan.cacheLimitBytes,
    onNotice: (sentence) => journal.note(sentence),
  });
}

interface StageContext {
  plan: RunPlan;
  store: SnapshotStore;
  journal: Journal;
  /** Answers of the first stage. */
  reference: Answers | undefined;
}

/** One stage on its own clone and server. */
async function rehearseStage(stage: PlannedStage, prepared: StageSnapshot, context: StageContext): Promise<Answers> {
  const { plan, store, journal, reference } = context;
  const { name } = stage.spec;
  await using folder = await createRunFolder(plan.cacheDir);
  const dataDir = join(folder.path, 'data');
  await clonePart(prepared.snapshot, dataDir, name, store, journal);
  await using server = await startEmbedded({
    dataDir,
    settings: settingsOf(stage.profile),
    cacheDir: plan.cacheDir,
    port: plan.port,
    scratch: true,
    signal: journal.signal,
  });
  const connection = server.connection(databaseName);
  await describeStage(stage, prepared, connection, journal);
  await checkStage(stage, 'seeded', connection, context);
  const answers = await compareWith(reference, stage, connection, context);
  journal.result.blocks.push(await measure(stage, connection, context));
  await journal.save();
  // An interrupted block is kept, as far as it came; what follows it is not begun.
  journal.signal?.throwIfAborted();
  await checkStage(stage, 'loaded', connection, context);
  return answers;
}

async function describeStage(
  { spec, profile }: PlannedStage,
  { snapshot, cached, applied }: StageSnapshot,
  connection: ConnectionTarget,
  journal: Journal,
): Promise<void> {
  journal.result.stages.push({
    name: spec.name,
    description: spec.description,
    migrations: spec.migrations,
    profile: profile.name,
    settings: profile.settings,
    applied,
    snapshotKey: snapshot.key,
    cached,
    databaseBytes: await databaseBytes(connection),
    relations: await relationSizes(connection),
  });
}

async function checkStage(
  { spec }: PlannedStage,
  when: 'seeded' | 'loaded',
  connection: ConnectionTarget,
  { plan, journal }: StageContext,
): Promise<void> {
  const title = when === 'seeded' ? 'Check invariants' : 'Check invariants after the load';
  await journal.part({ name: 'correctness', title, stage: spec.name }, async () => {
    const { invariants = {} } = plan.scenario.workload;
    const outcomes = await checkInvariants(invariants, { stage: spec.name, when, connection, signal: journal.signal });
    journal.result.invariants.push(...outcomes);
    const broken = outcomes.filter((outcome) => !outcome.holds).length;
    return {
      detail: `${formatPlural(outcomes.length, 'invariant')}, ${broken === 0 ? 'all hold' : `${broken} broken`}`,
    };
  });
}

/** Asks the stage every read with the same parameters as the first stage, before any load has changed the data. */
async function compareWith(
  reference: Answers | undefined,
  { spec }: PlannedStage,
  connection: ConnectionTarget,
  { plan, journal }: StageContext,
): Promise<Answers> {
  const title = reference ? 'Compare answers' : 'Collect answers';
  const { answers } = await journal.part({ name: 'correctness', title, stage: spec.name }, async () => {
    const answers = await collectAnswers({
      scenarioFile: plan.scenarioFile,
      stage: spec.name,
      connection,
      seed: plan.seed,
      scale: plan.scale,
      setsPerTransaction: answerSets,
      budgetMs: answerBudgetMs,
      statementTimeoutMs: plan.load.statementTimeoutMs,
      concurrency: plan.host.cores,
      signal: journal.signal,
    });
    if (!reference) return { answers, detail: 'reference for the later stages' };
    const outcomes = compareAnswers(reference, answers, spec.answersDiffer ?? {});
    journal.result.answers.push(...outcomes);
    const compared = outcomes.reduce((sum, outcome) => sum + outcome.compared, 0);
    const different = outcomes.reduce((sum, outcome) => sum + outcome.different, 0);
    return { answers, detail: `${formatCount(compared)} compared, ${formatCount(different)} different` };
  });
  return answers;
}

async function measure(stage: PlannedStage, connection: ConnectionTarget, context: StageContext): Promise<Block> {
  const { plan, journal } = context;
  const { load, slo } = plan;
  const { name } = stage.spec;
  const samplesName = `samples/${name}.bin`;
  await mkdir(join(plan.outDir, 'samples'), { recursive: true });
  const totalMs = load.warmupMs + load.durationMs;
  const title = `Drive ${formatCount(load.ratePerSecond)} transactions a second for ${formatMs(load.durationMs)}`;
  const { block } = await journal.part({ name: 'measure', title, stage: name }, async () => {
    const block = await runBlock({
      scenarioFile: plan.scenarioFile,
      stage: name,
      id: name,
      blockNumber: 0,
      connection,
      seed: plan.seed,
      scale: plan.scale,
      load,
      workers: plan.workers,
      slo,
      samplesPath: join(plan.outDir, samplesName),
      samplesName,
      minimumMs: Math.min(saturatedMinimumMs, load.durationMs),
      signal: journal.signal,
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

function describeBlock({ outcome, saturation, total, counts, measuredMs }: Block): string {
  if (outcome === 'saturated' && saturation) {
    return `saturated: holds ${formatCount(Math.round(saturation.heldPerSecond))} transactions a second`;
  }
  const perSecond = Math.round((counts.succeeded / measuredMs) * 1000);
  const misses = counts.failed + counts.timedOut + counts.unfinished;
  return `${formatCount(perSecond)}/s, p95 ${formatUs(total.response.p95Us)}, ${formatCount(misses)} failed`;
}

/** Judges what there is, and writes result and report; also after an interruption. */
async function conclude(plan: RunPlan, journal: Journal): Promise<void> {
  const { result } = journal;
  result.finishedAt = new Date().toISOString();
  result.claims = assessClaims(plan.scenario.claims ?? [], result);
  result.warnings.push(...warningsOf(result));
  result.verdict = judge(result);
  await journal.save();
  await writeReport(plan.outDir, result);
}

function emptyResult(plan: RunPlan): RunResult {
  const { scenario } = plan;
  return {
    schemaVersion,
    id: plan.id,
    status: 'running',
    startedAt: new Date().toISOString(),
    tool: { version: toolVersion, node: process.version },
    command: plan.command,
    host: plan.host,
    ...(plan.generator === undefined ? {} : { generator: plan.generator }),
    server: { kind: 'embedded', ...plan.postgres },
    scenario: {
      name: scenario.name,
      title: scenario.title,
      description: scenario.description,
      transactions: Object.entries(scenario.workload.transactions).map(([name, { description, weight, access }]) => ({
        name,
        description,
        weight,
        access,
      })),
    },
    load: plan.load,
    slo: plan.slo,
    stages: [],
    phases: [],
    blocks: [],
    answers: [],
    invariants: [],
    claims: [],
    warnings: [],
  };
}
