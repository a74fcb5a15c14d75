/** A/A runs: one stage is compared with itself again and again, to learn how often this machine cries wolf and what it can see. */
import { randomInt } from 'node:crypto';
import { compareStages } from './comparison/compare.ts';
import type { RunControl } from './journal.ts';
import type { RunPlan } from './plan.ts';
import { rehearse } from './rehearsal.ts';
import type { CalibrationRound, RunResult } from './result.ts';
import { finishedPairs, outcomeOf, type FinishedPair } from './verdict/pairs.ts';
import { judgeTypical, scatterOf } from './verdict/typical.ts';

/**
 * Compares the plan's last stage with itself, `rounds` times, each time on fresh clones and in a new order, as a run would compare it
 * with another stage. Every finished round is in the result on disk.
 *
 * @throws PgrehearseError when it cannot go on; what is finished is in result.json with status `failed`
 */
export function calibrate(plan: RunPlan, rounds: number, control: RunControl = {}): Promise<RunResult> {
  const done: CalibrationRound[] = [];
  return rehearse(plan, control, { calibration: done }, async (rehearsal) => {
    const { journal, stages } = rehearsal;
    const stage = stages.at(-1)!;
    for (let round = 1; round <= rounds; round++) {
      journal.note(`Round ${round} of ${rounds}.`);
      await compareStages(rehearsal, {
        plan: { ...plan.comparison!, orderSeed: randomInt(2 ** 31) },
        first: stage,
        last: stage,
        samplesFolder: `samples/round-${String(round).padStart(2, '0')}`,
      });
      done.push(roundOf(journal.result));
      delete journal.result.comparison;
      await journal.save();
    }
  });
}

function roundOf(result: RunResult): CalibrationRound {
  const [overall, ...transactions] = judgeTypical(result);
  const comparison = result.comparison!;
  const deviation = scatterOf(comparison);
  return {
    stage: comparison.after,
    ...outcomeOf(comparison, overall!),
    ...(deviation === undefined ? {} : { deviation }),
    naiveRatio: naiveRatio(finishedPairs(comparison, 'change')),
    falseTransactions: transactions.filter(({ outcome }) => outcome === 'fail').map(({ transaction }) => transaction!),
  };
}

function naiveRatio(pairs: readonly FinishedPair[]): number {
  const half = Math.floor(pairs.length / 2);
  const [firstHalf, secondHalf] = [pairs.slice(0, half), pairs.slice(half)];
  return mean(secondHalf.map(({ other }) => other.p95Us)) / mean(firstHalf.map(({ before }) => before.p95Us));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
