/** Two stored runs side by side. It tells differences and never a verdict: two single runs have no interval (docs/method.md). */
import { conditionsOf, otherThanRun } from './conditions.ts';
import { UsageError } from './errors.ts';
import type { Counts, Percentiles, RunResult } from './result.ts';
import { figuresOf, type StageFigures } from './stage-figures.ts';

/** One transaction of one stage, or all of them together, in one run. */
export interface ComparedFigures {
  /** Of the response time, in microseconds; of the service time where the stage was saturated in one of the runs. */
  count: number;
  p50Us: number;
  p95Us: number;
  p99Us: number;
  /** Share of the arrivals that missed the SLO, in [0, 1]; 0 without arrivals. */
  missedShare: number;
}

/** What both runs say about one thing. */
export interface Pair<T> {
  a: T;
  b: T;
}

export interface ComparedTransaction extends Pair<ComparedFigures> {
  /** Absent for all transactions together. */
  transaction?: string;
}

export interface ComparedStage {
  stage: string;
  time: 'response' | 'service';
  heldPerSecond: Pair<number>;
  databaseBytes: Pair<number>;
  /** All together first, then those that both runs know. */
  transactions: ComparedTransaction[];
}

/** Identity of a compared run. */
interface RunLabel {
  id: string;
  startedAt: string;
  commit?: RunResult['commit'];
}

export interface ResultComparison extends Pair<RunLabel> {
  /** Why the two cannot be compared; empty unless comparing them was insisted on. */
  obstacles: string[];
  stages: ComparedStage[];
  /** Stages that one of the runs did not measure. */
  leftOut: string[];
}

/**
 * Compares stages of the same name.
 *
 * @param anyway compares although the runs measured different things
 * @throws UsageError with all reasons at once when they cannot be compared, or when no stage was measured by both.
 */
export function compareResults(a: RunResult, b: RunResult, { anyway = false } = {}): ResultComparison {
  const obstacles = obstaclesTo(a, b);
  if (obstacles.length > 0 && !anyway) {
    const list = obstacles.map((obstacle) => `  - ${obstacle}`).join('\n');
    throw new UsageError(`These results cannot be compared:\n${list}`, {
      hint: 'Repeat one of the runs under the conditions of the other; --anyway compares them with that caveat.',
    });
  }
  const names = [...new Set([...a.blocks, ...b.blocks].map(({ stage }) => stage))];
  const stages = names.flatMap((name) => compareStage(name, a, b) ?? []);
  if (stages.length === 0) {
    throw new UsageError('No stage was measured by both runs.', { hint: 'Compare runs of stages of the same name.' });
  }
  const leftOut = names.filter((name) => !stages.some(({ stage }) => stage === name));
  return { a: labelOf(a), b: labelOf(b), obstacles, stages, leftOut };
}

function labelOf({ id, startedAt, commit }: RunResult): RunLabel {
  return { id, startedAt, ...(commit === undefined ? {} : { commit }) };
}

function obstaclesTo(a: RunResult, b: RunResult): string[] {
  const kinds = [a, b].flatMap((result) => {
    const kind = otherThanRun(result);
    return kind === undefined ? [] : [`${result.id} is ${kind}`];
  });
  const others = conditionsOf(b);
  const differing = conditionsOf(a).flatMap(({ name, value }, index) => {
    const other = others[index]!.value;
    return value === other ? [] : [`${name}: ${value} against ${other}`];
  });
  return [...kinds, ...differing];
}

function compareStage(stage: string, a: RunResult, b: RunResult): ComparedStage | undefined {
  const [one, other] = [figuresOf(a, stage), figuresOf(b, stage)];
  if (one === undefined || other === undefined) return undefined;
  // Queueing in one run would be compared with its absence in the other: service times are alike in both.
  const time = one.saturatedBlock || other.saturatedBlock ? 'service' : 'response';
  const bytes = (result: RunResult): number => result.stages.find(({ name }) => name === stage)?.databaseBytes ?? 0;
  return {
    stage,
    time,
    heldPerSecond: { a: one.heldPerSecond, b: other.heldPerSecond },
    databaseBytes: { a: bytes(a), b: bytes(b) },
    transactions: compareTransactions(one, other, time),
  };
}

function compareTransactions(
  { mainBlock: a }: StageFigures,
  { mainBlock: b }: StageFigures,
  time: ComparedStage['time'],
): ComparedTransaction[] {
  const each = a.transactions.flatMap((one) => {
    const other = b.transactions.find(({ name }) => name === one.name);
    return other === undefined
      ? []
      : [{ transaction: one.name, a: figures(one[time], one), b: figures(other[time], other) }];
  });
  return [{ a: figures(a.total[time], a), b: figures(b.total[time], b) }, ...each];
}

function figures(
  { count, p50Us, p95Us, p99Us }: Percentiles,
  { counts: { scheduled }, missed }: { counts: Counts; missed: number },
): ComparedFigures {
  return { count, p50Us, p95Us, p99Us, missedShare: scheduled === 0 ? 0 : missed / scheduled };
}
