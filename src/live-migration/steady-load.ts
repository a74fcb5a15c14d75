/** The load of the first stage, without a break, for as long as something is done inside of it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError } from '../errors.ts';
import { LoadSession } from '../load/engine.ts';
import type { LiveStage, Rehearsal } from '../rehearsal.ts';
import type { Block } from '../result.ts';

/** After a migration the load goes on until nothing waits any more, but not for longer than this. */
export const longestRecoveryMs = 60_000;

/** A load to drive. */
export interface LoadOrder {
  /** In the record of the block. */
  name: string;
  /** The same number gives the same arrivals and parameters. */
  number: number;
  /** In the folder of the result. */
  samplesFile: string;
  /** The work is done before; an arrival table has an end. */
  longestMs: number;
}

/** Drives the load until `work` has ended; then it is stopped. */
export async function underLoad<T>(
  { connection, planned }: LiveStage,
  { plan, journal }: Rehearsal,
  { name, number, samplesFile, longestMs }: LoadOrder,
  work: (load: LoadState) => Promise<T>,
): Promise<{ block: Block; value: T }> {
  await using session = await LoadSession.open({
    scenarioFile: plan.scenarioFile,
    stage: planned.spec.name,
    connection,
    seed: plan.seed,
    scale: plan.scale,
    load: planned.load,
    workers: plan.workers,
  });
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  journal.signal?.addEventListener('abort', onAbort, { once: true });
  const load = new LoadState(plan.load.warmupMs, journal.signal);
  const driven = session.runBlock({
    id: name,
    blockNumber: number,
    load: { ...planned.load, durationMs: longestMs },
    slo: plan.slo,
    samplesPath: join(journal.folder, samplesFile),
    samplesName: samplesFile,
    minimumMs: longestMs,
    backlogLimit: Infinity,
    signal: stop.signal,
    onProgress: ({ elapsedMs, backlog }) => load.note(elapsedMs, backlog),
  });
  void driven.catch(() => {}).then(() => load.end());
  try {
    const value = await work(load);
    stop.abort();
    return { block: await driven, value };
  } catch (error) {
    stop.abort();
    // Its own failure is the cause of what the work met.
    await driven;
    throw error;
  } finally {
    journal.signal?.removeEventListener('abort', onAbort);
  }
}

/** How far the load is, as its looks tell ten times a second. */
export class LoadState {
  readonly #warmupMs: number;
  readonly #signal: AbortSignal | undefined;
  #elapsedMs = 0;
  #backlog = 0;
  #ended = false;

  constructor(warmupMs: number, signal: AbortSignal | undefined) {
    this.#warmupMs = warmupMs;
    this.#signal = signal;
  }

  note(elapsedMs: number, backlog: number): void {
    this.#elapsedMs = elapsedMs;
    this.#backlog = backlog;
  }

  end(): void {
    this.#ended = true;
  }

  /** So much of the counted time. */
  async reaches(countedMs: number): Promise<void> {
    while (this.#elapsedMs < this.#warmupMs + countedMs) await this.#rest();
  }

  /** At least `leastMs`, and then until nothing waits. */
  async recovers(leastMs: number): Promise<void> {
    const from = this.#elapsedMs;
    while (this.#elapsedMs < from + leastMs) await this.#rest();
    while (this.#backlog > 0 && this.#elapsedMs < from + leastMs + longestRecoveryMs) await this.#rest();
  }

  async #rest(): Promise<void> {
    // A load that is over reaches no instant any more.
    if (this.#ended) throw new EnvironmentError('The load ended before the migration did.');
    await sleep(50, undefined, this.#signal === undefined ? {} : { signal: this.#signal });
  }
}
