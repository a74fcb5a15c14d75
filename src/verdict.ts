/**
 * From a RunResult to a verdict. Pure: nothing here reads a clock, a file or a database, so a stored result can be judged
 * again anywhere. The method is told in docs/method.md.
 */
import { judgeCapacity } from './capacity/figures.ts';
import { ExitCode } from './errors.ts';
import { formatCount, formatMs, formatPlural, formatRate, formatShare } from './report/format.ts';
import { wrongAnswer, type Gate, type Outcome, type RunResult, type Verdict } from './result.ts';
import { figuresOf, missMargin } from './stage-figures.ts';
import type { StageFigures } from './stage-figures.ts';
import type { ShareEstimate } from './stats/miss-share.ts';
import { judgeValidity, sentence, unfinished } from './validity.ts';
import { judgeLiveMigration } from './verdict/budgets.ts';
import { judgeStalls } from './verdict/stalls.ts';
import { judgeTypical } from './verdict/typical.ts';
import { judgeWork } from './verdict/work.ts';

/** Seconds below which no pass and no fail can be told from the misses alone. */
const minSeconds = 10;

/**
 * Judges a finished run by its gates. What decides, in this order: broken correctness (a wrong answer is wrong however noisy the
 * machine was), an invalid measurement, a missed SLO, a proved regression, missing evidence; only when none of them applies, pass.
 * Call it with the final `status` of the run: anything but 'complete' is never a pass.
 */
export function judge(result: RunResult): Verdict {
  const gates = gatesOf(result);
  const deciding = decidingGate(gates.filter(({ advisory }) => advisory !== true));
  return { outcome: deciding.outcome, exitCode: exitCodeOf(deciding), reason: reasonOf(deciding, gates), gates };
}

function gatesOf(result: RunResult): Gate[] {
  if (result.capacity !== undefined) return [judgeCapacity(result)];
  if (result.liveMigration !== undefined) return judgeLiveMigration(result);
  return [
    judgeValidity(result),
    judgeCorrectness(result),
    judgeSlo(result),
    ...judgeTypical(result),
    ...judgeStalls(result),
    ...judgeWork(result),
  ];
}

/** Broken correctness, else the first gate with the gravest outcome; when all pass, the SLO's (a search for capacity has no other). */
function decidingGate(gates: Gate[]): Gate {
  const broken = gates.find(({ name, outcome }) => name === 'correctness' && outcome === 'fail');
  if (broken) return broken;
  const order: Outcome[] = ['invalid', 'fail', 'inconclusive'];
  const gravest = order.find((outcome) => gates.some((gate) => gate.outcome === outcome));
  return gates.find((gate) => gate.outcome === gravest) ?? gates.find(({ name }) => name === 'slo') ?? gates.at(-1)!;
}

/** A pass has two halves: the SLO holds, and nothing got worse; a migration was applied, and the traffic hardly felt it. */
function reasonOf(deciding: Gate, gates: readonly Gate[]): string {
  const budgets = gates.filter(({ name }) => name === 'budget').slice(0, 2);
  if (deciding.outcome === 'pass' && budgets.length > 0) return budgets.map(({ reason }) => reason).join(' ');
  const typical = gates.find(({ name, transaction }) => name === 'typical-p95' && transaction === undefined);
  return deciding.outcome === 'pass' && typical !== undefined
    ? `${deciding.reason} ${typical.reason}`
    : deciding.reason;
}

function exitCodeOf(gate: Gate): ExitCode {
  if (gate.outcome === 'fail') return gate.name === 'correctness' ? ExitCode.correctness : ExitCode.gateFailed;
  return ExitCode[gate.outcome];
}

/** A faster wrong answer is not an optimisation: answers must agree and invariants must hold. */
function judgeCorrectness(result: RunResult): Gate {
  const faults = [...wrongAnswers(result), ...differingAnswers(result), ...brokenInvariants(result)];
  if (faults.length > 0) return { name: 'correctness', outcome: 'fail', reason: sentence(faults) };
  const gaps = result.status === 'complete' ? uncomparedReads(result) : [unfinished(result)];
  if (gaps.length > 0) return { name: 'correctness', outcome: 'inconclusive', reason: sentence(gaps) };
  return { name: 'correctness', outcome: 'pass', reason: agreement(result) };
}

/** Answers of a service that the scenario's own check refused under load. */
function wrongAnswers({ blocks, comparison }: RunResult): string[] {
  const alone = blocks.flatMap(({ stage, transactions }) =>
    transactions.flatMap(({ name, counts, errors }) => {
      const wrong = errors[wrongAnswer];
      if (wrong === undefined) return [];
      const share = `${formatCount(wrong.count)} of ${formatPlural(counts.scheduled, 'answer')}`;
      return [`${name} was answered wrongly in stage ${stage}: ${share}, as ${wrong.example}`];
    }),
  );
  const paired = (comparison?.pairs ?? []).flatMap(({ number, blocks }) =>
    blocks.flatMap(({ side, transactions }) =>
      transactions
        .filter(({ wrong = 0 }) => wrong > 0)
        .map(({ name }) => `${name} was answered wrongly in pair ${number} (${side})`),
    ),
  );
  return [...alone, ...paired];
}

function differingAnswers(result: RunResult): string[] {
  return result.answers
    .filter(({ different }) => different > 0)
    .map(
      ({ transaction, stage, different, compared }) =>
        `${transaction} answers differently in stage ${stage} for ${formatCount(different)} of ${formatPlural(compared, 'parameter set')}`,
    );
}

function brokenInvariants(result: RunResult): string[] {
  return result.invariants
    .filter(({ holds }) => !holds)
    .map(({ name, stage, when }) => `invariant ${name} is broken in stage ${stage} (${when})`);
}

/** Read transactions whose answers were never compared although there was something to compare them with. */
function uncomparedReads(result: RunResult): string[] {
  const reads = result.scenario.transactions.filter(({ access }) => access === 'read');
  return result.stages
    .slice(1)
    .flatMap((stage) =>
      reads
        .filter(({ name }) => !result.answers.some((answer) => isSettled(answer, name, stage.name)))
        .map(({ name }) => `no answer of ${name} could be compared in stage ${stage.name}`),
    );
}

function isSettled(answer: RunResult['answers'][number], transaction: string, stage: string): boolean {
  const concerns = answer.transaction === transaction && answer.stage === stage;
  return concerns && (answer.compared > 0 || answer.declared !== undefined);
}

function agreement(result: RunResult): string {
  const compared = result.answers.reduce((total, answer) => total + answer.compared, 0);
  const parts: string[] = [];
  if (compared > 0) parts.push(`${formatPlural(compared, 'answer')} compared, all equal`);
  if (result.invariants.length > 0) {
    parts.push(`${formatPlural(result.invariants.length, 'invariant check')}, none broken`);
  }
  return parts.length > 0 ? `${parts.join('; ')}.` : 'there was nothing to compare and no invariant to check.';
}

/** The SLO is judged on the last stage: the state that is to be shipped. */
function judgeSlo(result: RunResult): Gate {
  // Until a run is complete, nobody can tell which stage is its last.
  if (result.status !== 'complete') {
    return { name: 'slo', outcome: 'inconclusive', reason: sentence([unfinished(result)]) };
  }
  const stage = result.stages.at(-1)?.name;
  const figures = stage === undefined ? undefined : figuresOf(result, stage);
  if (!figures?.misses) return { name: 'slo', outcome: 'inconclusive', reason: 'nothing was measured to judge.' };
  const gate = { name: 'slo' as const, stage: figures.stage };
  if (figures.saturatedBlock) return { ...gate, outcome: 'fail', reason: saturationReason(figures) };
  const { value, low, high } = figures.misses;
  const margin = missMargin(result.slo.percentile);
  return {
    ...gate,
    outcome: sloOutcome(figures.misses, margin),
    reason: sloReason(result, figures, figures.misses),
    estimate: { value, low, high, margin, unit: 'share' },
  };
}

function sloOutcome({ low, high, bins }: ShareEstimate, margin: number): Outcome {
  if (bins < minSeconds) return 'inconclusive';
  if (high < margin) return 'pass';
  return low > margin ? 'fail' : 'inconclusive';
}

function sloReason(result: RunResult, figures: StageFigures, misses: ShareEstimate): string {
  const { percentile, limitMs } = result.slo;
  const margin = missMargin(percentile);
  const outcome = sloOutcome(misses, margin);
  const verb = { pass: 'holds', fail: 'misses', inconclusive: 'may or may not hold', invalid: '' }[outcome];
  const scheduled = figures.blocks.reduce((total, block) => total + block.counts.scheduled, 0);
  const objective = `p${percentile} < ${formatMs(limitMs)} at ${formatRate(figures.mainBlock.ratePerSecond)}`;
  const share = `${formatShare(misses.value)} of ${formatPlural(scheduled, 'arrival')} missed it`;
  const interval = `90 % interval ${formatShare(misses.low)} to ${formatShare(misses.high)}, allowed ${formatShare(margin)}`;
  const advice = outcome === 'inconclusive' ? ` ${sloAdvice(misses)}` : '';
  return `"${figures.stage}" ${verb} ${objective}: ${share} (${interval}).${advice}`;
}

function sloAdvice({ bins }: ShareEstimate): string {
  return bins < minSeconds
    ? `${formatPlural(bins, 'second')} of load are too few to judge; ${minSeconds} are the least.`
    : 'A longer run narrows the interval.';
}

function saturationReason({ stage, saturatedBlock: block, heldPerSecond }: StageFigures): string {
  const { ratePerSecond, saturation } = block!;
  const queue = saturation
    ? `; ${formatMs(saturation.atMs)} into the load ${formatPlural(saturation.backlog, 'arrival')} were waiting`
    : '';
  return `"${stage}" could not hold ${formatRate(ratePerSecond)}: it served ${formatRate(heldPerSecond)}${queue}.`;
}
