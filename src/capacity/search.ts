/** Which rate to try next when the highest rate is looked for that a stage holds. Pure: it is told outcomes and names rates. */

export interface SearchLimits {
  /** Where to begin: the rate that the stage should hold. */
  startPerSecond: number;
  lowestPerSecond: number;
  highestPerSecond: number;
  /** The search ends when the lowest rate that was missed is at most this many times the highest that held. */
  precision: number;
  mostSteps: number;
}

/** The answer so far: the stage holds the one rate and does not hold the other. */
export interface Bracket {
  /** Undefined when no rate held. */
  heldPerSecond: number | undefined;
  /** Undefined when none was missed. */
  missedPerSecond: number | undefined;
}

/** Times that each end of the answer is driven; a third decides when two disagree. */
const confirmations = 2;
/** How a bracket is looked for before there is one. */
const stride = 2;

/**
 * Bracketing by doubling (or halving), then bisection on a logarithmic scale, because what matters about rates are ratios; then both
 * ends are driven again, because one step of a noisy system is no proof. A rate holds when most of its steps did. Rates are
 * rounded to three digits.
 */
export class CapacitySearch {
  readonly #limits: SearchLimits;
  readonly #votes = new Map<number, { held: number; missed: number }>();
  #steps = 0;

  constructor(limits: SearchLimits) {
    this.#limits = limits;
  }

  /** @returns undefined when the answer is good enough, or cannot be better within the limits. */
  next(): number | undefined {
    const { startPerSecond, lowestPerSecond, highestPerSecond, mostSteps, precision } = this.#limits;
    if (this.#steps >= mostSteps) return undefined;
    if (this.#votes.size === 0) return rounded(Math.min(Math.max(startPerSecond, lowestPerSecond), highestPerSecond));
    const { heldPerSecond: held, missedPerSecond: missed } = this.bracket;
    if (missed === undefined && held! < highestPerSecond) return rounded(Math.min(held! * stride, highestPerSecond));
    if (held === undefined && missed! > lowestPerSecond) return rounded(Math.max(missed! / stride, lowestPerSecond));
    if (held !== undefined && missed !== undefined && missed / held > precision) {
      const middle = rounded(Math.sqrt(held * missed));
      if (middle > held && middle < missed) return middle;
    }
    return [held, missed].find((rate) => rate !== undefined && !this.#isConfirmed(rate));
  }

  add(ratePerSecond: number, isHeld: boolean): void {
    const votes = this.#votes.get(ratePerSecond) ?? { held: 0, missed: 0 };
    if (isHeld) votes.held++;
    else votes.missed++;
    this.#votes.set(ratePerSecond, votes);
    this.#steps++;
  }

  /** The lowest rate that was missed, and the highest below it that held: a rate above a missed one held by luck. */
  get bracket(): Bracket {
    const rates = [...this.#votes].toSorted(([a], [b]) => a - b);
    const missed = rates.find(([, votes]) => votes.missed >= votes.held)?.[0];
    const held = rates.findLast(([rate, votes]) => votes.held > votes.missed && rate < (missed ?? Infinity))?.[0];
    return { heldPerSecond: held, missedPerSecond: missed };
  }

  #isConfirmed(rate: number): boolean {
    const { held, missed } = this.#votes.get(rate)!;
    return held + missed >= confirmations && held !== missed;
  }
}

/** Three significant digits. */
function rounded(rate: number): number {
  return Number(rate.toPrecision(3));
}
