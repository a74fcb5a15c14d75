/** The story of a run: seed, then stage by stage clone, start, compare answers, drive the load, check; judge at the end. */
import { compareStages, type ComparisonOrder } from './comparison/compare.ts';
import { DiskWatch } from './disk-watch.ts';
import { checkInvariants } from './invariants.ts';
import { Journal, type RunControl } from './journal.ts';
import { collectAnswers, compareAnswers, type Answers } from './load/answers.ts';
import type { RunPlan } from './plan.ts';
import type { PlannedStage } from './stage-plan.ts';
import { prepareBaseline } from './prepare.ts';
import { takeReadings } from './readings.ts';
import { emptyResult, onStage, openStore, rehearse, warmStage, type LiveStage, type Rehearsal } from './rehearsal.ts';
import { repeatIfLate } from './repeat-late.ts';
import { formatCount, formatPlural } from './report/format.ts';
import type { Block, RunResult, SeedSummary } from './result.ts';
import type { ConnectionTarget } from './server/server.ts';
import { planTransactions } from './load/executor.ts';
import { measureStage } from './stage-block.ts';
import { obstacleToPairs } from './verdict/typical.ts';

/** Parameter sets whose answers are compared, and the time that one transaction may take for them in one stage. */
const answerSets = 200;
const answerBudgetMs = 12_000;

/**
 * Carries out a planned run. The result is written to the plan's folder after every part.
 *
 * @returns the result, with verdict, also when the signal interrupted the run (status `interrupted`)
 * @throws PgrehearseError when the run cannot go on; what is finished is in result.json with status `failed`
 */
export function run(plan: RunPlan, control: RunControl = {}): Promise<RunResult> {
  return rehearse(plan, control, {}, async (rehearsal) => {
    let reference: Answers | undefined;
    for (const stage of rehearsal.stages) {
      const answers = await repeatIfLate(stage.planned.spec.name, rehearsal.journal, () =>
        onStage(stage, rehearsal, (live) => rehearseStage(live, { ...rehearsal, reference })),
      );
      reference ??= answers;
      await rehearsal.journal.save();
    }
    await compareEnds(rehearsal);
  });
}

/** Pairs prove nothing more where a stage cannot hold the rate, or is wrong already: the time is saved. */
export async function compareEnds(rehearsal: Rehearsal, openService?: ComparisonOrder['openService']): Promise<void> {
  const { plan, journal } = rehearsal;
  if (plan.comparison === undefined || plan.stages.length < 2) return;
  const obstacle = obstacleToPairs(journal.result);
  if (obstacle !== undefined) {
    journal.note(`No comparison by pairs: ${obstacle}.`);
    return;
  }
  const [first, last] = [rehearsal.stages[0]!, rehearsal.stages.at(-1)!];
  const order = { plan: plan.comparison, first, last, samplesFolder: 'samples/pairs' };
  await compareStages(rehearsal, openService === undefined ? order : { ...order, openService });
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

interface StageContext extends Rehearsal {
  /** Answers of the first stage. */
  reference: Answers | undefined;
}

async function rehearseStage(live: LiveStage, context: StageContext): Promise<Answers> {
  const { planned: stage, connection } = live;
  const { journal, reference } = context;
  await checkStage(stage, 'seeded', connection, context);
  const answers = await compareWith(reference, live, context);
  await warmStage(live, context);
  journal.result.blocks.push(await measure(live, context));
  await journal.save();
  // An interrupted block is kept, as far as it came; what follows it is not begun.
  journal.signal?.throwIfAborted();
  await readStage(stage, connection, context);
  await checkStage(stage, 'loaded', connection, context);
  return answers;
}

/** Takes what the workload wants to know of the database right after the load. */
export async function readStage(
  { spec }: PlannedStage,
  connection: ConnectionTarget,
  { plan, journal }: Pick<Rehearsal, 'plan' | 'journal'>,
): Promise<void> {
  const { readings } = plan.scenario.workload;
  if (readings === undefined) return;
  (journal.result.readings ??= []).push(...(await takeReadings(readings, { stage: spec.name, connection })));
}

/** Checks the workload's invariants; what is broken is for the verdict. */
export async function checkStage(
  { spec }: PlannedStage,
  when: 'seeded' | 'loaded',
  connection: ConnectionTarget,
  { plan, journal }: Pick<Rehearsal, 'plan' | 'journal'>,
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
  { planned: { spec, load }, route }: LiveStage,
  { plan, journal }: StageContext,
): Promise<Answers> {
  const title = reference ? 'Compare answers' : 'Collect answers';
  const { answers } = await journal.part({ name: 'correctness', title, stage: spec.name }, async () => {
    const answers = await collectAnswers({
      scenarioFile: plan.scenarioFile,
      stage: spec.name,
      ...route,
      seed: plan.seed,
      scale: plan.scale,
      setsPerTransaction: answerSets,
      budgetMs: answerBudgetMs,
      statementTimeoutMs: load.statementTimeoutMs,
      prepared: load.prepared ?? true,
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

function measure(
  { planned: { spec, load }, server, connection, route, processes, died }: LiveStage,
  { plan, journal }: StageContext,
): Promise<Block> {
  const signals = [died, journal.signal].filter((signal) => signal !== undefined);
  return measureStage({
    plan,
    journal,
    stage: spec.name,
    load,
    what: 'transactions',
    destination: route,
    ...(spec.jobs === undefined ? {} : { jobs: spec.jobs }),
    ...(server.kind === 'external' ? {} : { processes }),
    ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
    observed: { connection, major: plan.postgres.major, transactions: planTransactions(plan.scenario, spec) },
  });
}
