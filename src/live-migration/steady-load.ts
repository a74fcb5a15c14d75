/** The load of the first stage, without a break, for as long as something is done inside of it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError } from '../errors.ts';
import { LoadSession } from '../load/engine.ts';
import type { PlannedStage } from '../stage-plan.ts';
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
  /** A stage whose statements take over when the work says so. */
  successor?: PlannedStage | undefined;
}

/** Drives the load until `work` has ended; then it is stopped. Returns its blocks: a second one if another stage took over. */
export async function underLoad<T>(
  live: LiveStage,
  rehearsal: Rehearsal,
  order: LoadOrder,
  work: (load: SteadyLoad) => Promise<T>,
): Promise<{ blocks: Block[]; value: T }> {
  const { planned } = live;
  const { successor } = order;
  await using session = await openSession(planned, live, rehearsal);
  await using next = successor && (await openSession(successor, live, rehearsal));
  const load = new SteadyLoad(order, rehearsal);
  load.drive(session, planned);
  if (next !== undefined) load.onTakeOver(() => load.drive(next, successor!));
  try {
    const value = await work(load);
    return { blocks: await load.stop(), value };
  } catch (error) {
    // Its own failure is the cause of what the work met.
    await load.stop();
    throw error;
  }
}

/** Whether statements may have names is a matter of what they go through. */
function openSession(
  { spec, load }: PlannedStage,
  { planned, route }: LiveStage,
  { plan: { scenarioFile, seed, scale, workers } }: Rehearsal,
): Promise<LoadSession> {
  const { prepared = true } = planned.load;
  return LoadSession.open({
    scenarioFile,
    stage: spec.name,
    ...route,
    seed,
    scale,
    load: { ...load, prepared },
    workers,
  });
}

/** Numbers of blocks that a successor drives: their arrivals and parameters are nobody else's. */
const successorNumber = 100_000;

/** How far the load is, as its looks tell ten times a second, and the change from one stage's statements to another's. */
export class SteadyLoad {
  readonly #order: LoadOrder;
  readonly #rehearsal: Rehearsal;
  readonly #blocks: Promise<Block>[] = [];
  #stop = new AbortController();
  #begin: (() => void) | undefined;
  #elapsedMs = 0;
  #backlog = 0;
  #ended = false;

  constructor(order: LoadOrder, rehearsal: Rehearsal) {
    this.#order = order;
    this.#rehearsal = rehearsal;
  }

  /** Begins a block; its looks are those that count from now on. */
  drive(session: LoadSession, { load, spec }: PlannedStage): void {
    const { plan, journal } = this.#rehearsal;
    const { name, number, samplesFile, longestMs } = this.#order;
    const first = this.#blocks.length === 0;
    const file = first ? samplesFile : samplesFile.replace(/\.bin$/, `-${spec.name}.bin`);
    const stop = new AbortController();
    const fromMs = this.#elapsedMs;
    this.#stop = stop;
    const block = session.runBlock({
      id: first ? name : `${name}-${spec.name}`,
      blockNumber: first ? number : successorNumber + number,
      load: { ...load, warmupMs: first ? load.warmupMs : 0, durationMs: longestMs },
      slo: plan.slo,
      samplesPath: join(journal.folder, file),
      samplesName: file,
      minimumMs: longestMs,
      backlogLimit: Infinity,
      signal: AbortSignal.any([stop.signal, ...(journal.signal ? [journal.signal] : [])]),
      onProgress: ({ elapsedMs, backlog }) => {
        if (this.#stop !== stop) return;
        this.#elapsedMs = fromMs + elapsedMs;
        this.#backlog = backlog;
      },
    });
    const onEnd = (): void => {
      if (this.#stop === stop) this.#ended = true;
    };
    block.then(onEnd, onEnd);
    this.#blocks.push(block);
  }

  onTakeOver(begin: () => void): void {
    this.#begin = begin;
  }

  /** When nothing waits: the successor begins, and what went on until then ends. For about a tenth of a second both do. */
  async takeOver(): Promise<void> {
    await this.recovers(0);
    const stop = this.#stop;
    const from = this.#elapsedMs;
    this.#begin?.();
    while (this.#elapsedMs === from) await this.#rest();
    stop.abort();
    await this.#blocks[0];
  }

  /** Ends it, and returns all that was driven. */
  async stop(): Promise<Block[]> {
    this.#stop.abort();
    return Promise.all(this.#blocks);
  }

  /** So much of the counted time. */
  async reaches(countedMs: number): Promise<void> {
    while (this.#elapsedMs < this.#rehearsal.plan.load.warmupMs + countedMs) await this.#rest();
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
    const { signal } = this.#rehearsal.journal;
    await sleep(50, undefined, signal === undefined ? {} : { signal });
  }
}
