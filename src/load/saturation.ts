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

export interface SaturationRules {
  /** Before, nothing is looked for. */
  warmupUs: number;
  /** Planned end of the schedule; later looks see the queue drain and say nothing. */
  endUs: number;
  /** A saturated stage is stopped, but not before this much counted time. */
  minimumUs: number;
  /** A longer queue than this ends the block whatever `minimumUs` says. */
  backlogLimit: number;
}

/** Decides from looks at the queues of all workers together whether the stage is saturated, and when the block is to be stopped. */
export class SaturationJudge {
  readonly #rules: SaturationRules;
  readonly #watch = new SaturationWatch();
  #isOver = false;
  /** Noticed at (from the start of the block), arrivals waiting at that moment; undefined while the stage holds the rate. */
  saturation: { atUs: number; backlog: number } | undefined;

  constructor(rules: SaturationRules) {
    this.#rules = rules;
  }

  /** @returns true, once, when the block is to be stopped. */
  look(backlog: Backlog): boolean {
    const { warmupUs, endUs, minimumUs, backlogLimit } = this.#rules;
    const { nowUs, waiting } = backlog;
    if (this.#isOver || nowUs < warmupUs || nowUs >= endUs) return false;
    const tooMany = waiting > backlogLimit;
    if (this.#watch.look(backlog) || tooMany) this.saturation ??= { atUs: nowUs, backlog: waiting };
    // It caught up before the minimum time was over: a long stumble, not saturation.
    else if (waiting === 0) this.saturation = undefined;
    this.#isOver = tooMany || (this.saturation !== undefined && nowUs >= warmupUs + minimumUs);
    return this.#isOver;
  }
}

/** One look at the whole from a look of each worker, taken when each has looked since the last. */
export class LookRounds {
  readonly #looks: (Backlog | undefined)[];

  constructor(workers: number) {
    this.#looks = Array.from({ length: workers });
  }

  /** @returns all queues together when this was the last look of a round. */
  add(worker: number, look: Backlog): Backlog | undefined {
    this.#looks[worker] = look;
    const looks = this.#looks.filter((known) => known !== undefined);
    if (looks.length < this.#looks.length) return undefined;
    this.#looks.fill(undefined);
    return {
      nowUs: Math.max(...looks.map(({ nowUs }) => nowUs)),
      waiting: looks.reduce((sum, { waiting }) => sum + waiting, 0),
      oldestAgeUs: Math.max(...looks.map(({ oldestAgeUs }) => oldestAgeUs)),
    };
  }
}
