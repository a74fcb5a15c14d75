/** Tells a stage that cannot hold the offered rate from one that merely stumbled. */

/** Arrivals have to wait so long, and that has to last so long, before a stage counts as saturated. */
const rule = { ageUs: 1_000_000, persistsUs: 1_500_000 } as const;

/** What a look at the queue shows. */
export interface Backlog {
  nowUs: number;
  /** Arrivals that are due and have no connection yet. */
  waiting: number;
  /** Age of the oldest of them; 0 when none waits. */
  oldestAgeUs: number;
}

/**
 * Watches the backlog of a block, at looks 100 ms apart. A stage is saturated when the oldest waiting arrival has been older than a
 * second at every look for 1.5 s, and by the end no fewer wait than at the beginning and at the look before.
 *
 * A stage that serves next to nothing is so found 2.5 s after its connections are full: within 3 s. A stall shorter than that
 * passes, however hard, and so does noise: in a stage whose p95 is just below 50 ms waits of a second have a probability of about
 * e^-60 (exponential tail), and here one must last. A stage that is a few per cent short is found later, when its backlog has grown
 * to a second's worth.
 */
export class SaturationWatch {
  #since: Backlog | undefined;
  #previous: Backlog | undefined;

  /** @returns true when the rule holds at this look. */
  look(backlog: Backlog): boolean {
    const previous = this.#previous;
    this.#previous = backlog;
    if (backlog.oldestAgeUs < rule.ageUs) {
      this.#since = undefined;
      return false;
    }
    this.#since ??= backlog;
    if (backlog.nowUs - this.#since.nowUs < rule.persistsUs) return false;
    const catchesUp = backlog.waiting < this.#since.waiting || backlog.waiting < (previous?.waiting ?? 0);
    if (backlog.waiting < this.#since.waiting) this.#since = backlog;
    return !catchesUp;
  }
}
