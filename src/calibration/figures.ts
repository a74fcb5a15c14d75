/** What A/A runs say about a machine: how often it cries wolf, and what it can see. Pure. */
import type { CalibrationRound } from '../result.ts';
import { binomialUpperBound } from '../stats/binomial.ts';
import { pairsNeeded, smallestDistance } from '../stats/power.ts';
import { median } from '../stats/median.ts';

const errors = { tail: 0.05, power: 0.8 };

export interface CalibrationFigures {
  rounds: number;
  /** Rounds that failed although nothing differs, and the upper end of the rate's exact 95 % interval (Clopper and Pearson). */
  falseAlarms: number;
  falseAlarmBound: number;
  inconclusive: number;
  /** What pairs can see here; absent where no round had enough usable ones. */
  power?: PairPower;
}

export interface PairPower {
  /** Median standard deviation of ln(p95 / p95) of a pair. */
  deviation: number;
  /** Pairs that pass an equal candidate, and fail one that is twice as much slower as allowed, with 80 % power, at the margin. */
  pairsToPass: number;
  pairsToFail: number;
  /** Smallest margin at which the pairs that were measured pass an equal candidate with 80 % power: 0.1 is 10 %. */
  margin: number;
}

/** @throws RangeError without a round. */
export function calibrationFigures(rounds: readonly CalibrationRound[], maxRegression: number): CalibrationFigures {
  if (rounds.length === 0) throw new RangeError('A calibration needs at least one round.');
  const falseAlarms = rounds.filter(({ outcome }) => outcome === 'fail').length;
  const power = powerOf(rounds, maxRegression);
  return {
    rounds: rounds.length,
    falseAlarms,
    falseAlarmBound: binomialUpperBound(falseAlarms, rounds.length, 0.05),
    inconclusive: rounds.filter(({ outcome }) => outcome === 'inconclusive').length,
    ...(power === undefined ? {} : { power }),
  };
}

function powerOf(rounds: readonly CalibrationRound[], maxRegression: number): PairPower | undefined {
  const measured = rounds.filter((round) => round.deviation !== undefined);
  if (measured.length === 0) return undefined;
  const deviation = median(measured.map((round) => round.deviation!));
  const pairs = Math.floor(median(measured.map((round) => round.pairs - round.discarded)));
  const margin = Math.log1p(maxRegression);
  const beyond = Math.log1p(maxRegression * 2) - margin;
  return {
    deviation,
    pairsToPass: pairsNeeded(deviation, margin, errors),
    pairsToFail: pairsNeeded(deviation, beyond, errors),
    margin: Math.expm1(smallestDistance(deviation, pairs, errors)),
  };
}
