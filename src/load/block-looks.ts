/** What is known of a block while it runs, from the looks of its workers. */
import { LatencyHistogram } from './histogram.ts';
import { LookRounds } from './saturation.ts';
import type { Backlog } from './saturation.ts';
import type { WorkerLook } from './worker-thread.ts';

/** A look at a running block, about ten times a second. */
export interface BlockProgress {
  /** From the start of the block; warm-up included. */
  elapsedMs: number;
  completed: number;
  failed: number;
  /** Arrivals that wait for a connection. */
  backlog: number;
  /** Of the response times so far, warm-up included. */
  p95Us: number;
}

/** Puts the workers' looks together and tells the whole. */
export class BlockLooks implements Disposable {
  readonly #responses = new LatencyHistogram();
  readonly #rounds: LookRounds;
  readonly #counts: { completed: number; failed: number }[];
  readonly #tell: (progress: BlockProgress) => void;

  constructor(workers: number, tell: (progress: BlockProgress) => void) {
    this.#rounds = new LookRounds(workers);
    this.#counts = Array.from({ length: workers }, () => ({ completed: 0, failed: 0 }));
    this.#tell = tell;
  }

  /** @returns the queues of all workers together, when each has looked since the last time. */
  add(worker: number, { progress, responsesUs }: WorkerLook): Backlog | undefined {
    for (const responseUs of responsesUs) this.#responses.record(responseUs);
    const { elapsedUs, completed, failed, waiting, oldestAgeUs } = progress;
    this.#counts[worker] = { completed, failed };
    const whole = this.#rounds.add(worker, { nowUs: elapsedUs, waiting, oldestAgeUs });
    if (whole !== undefined) {
      this.#tell({
        elapsedMs: whole.nowUs / 1000,
        completed: this.#counts.reduce((sum, counts) => sum + counts.completed, 0),
        failed: this.#counts.reduce((sum, counts) => sum + counts.failed, 0),
        backlog: whole.waiting,
        p95Us: this.#responses.atPercentile(95),
      });
    }
    return whole;
  }

  [Symbol.dispose](): void {
    this.#responses[Symbol.dispose]();
  }
}
