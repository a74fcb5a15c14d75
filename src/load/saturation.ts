/** Tells a stage that cannot hold the offered rate from one that merely stumbled. */

/** How long arrivals may wait, and for how long that may last, before the stage counts as saturated. */
export const saturationRule = {
  /** The oldest waiting arrival is at least this old ... */
  ageUs: 1_000_000,
  /** ... at every look for this long, with no fewer arrivals waiting at the end than at the beginning. */
  persistsUs: 1_500_000,
} as const;

/** What a look at the queue shows. */
export interface Backlog {
  nowUs: number;
  /** Arrivals that are due and have no connection yet. */
  waiting: number;
  /** Age of the oldest of them; 0 when none waits. */
  oldestAgeUs: number;
}

/**
 * Watches the backlog of a block. A stage that serves next to nothing is found 2.5 s after its connections are full, so within
 * 3 s. A stall shorter than that passes, however hard, and so does noise: in a stage whose p95 is just below 50 ms waits of a
 * second have a probability of about e^-60 (exponential tail), and here one must last for 1.5 s and the backlog must not shrink.
 * A stage that is a few per cent short is found later, when its backlog has grown to a second.
 */
export class SaturationWatch {
  #since: Backlog | undefined;

  /** @returns true when the rule holds at this look. */
  look(backlog: Backlog): boolean {
    if (backlog.oldestAgeUs < saturationRule.ageUs) {
      this.#since = undefined;
      return false;
    }
    this.#since ??= backlog;
    if (backlog.nowUs - this.#since.nowUs < saturationRule.persistsUs) return false;
    if (backlog.waiting >= this.#since.waiting) return true;
    // Shrinking: the stage is catching up. Start again from here.
    this.#since = backlog;
    return false;
  }
}
