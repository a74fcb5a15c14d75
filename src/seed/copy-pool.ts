/** Worker threads that load tables side by side: one stream a table, the largest tables first. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { EnvironmentError, UsageError, messageOf } from '../errors.ts';
import type { TargetTable } from './inspect.ts';
import type { LoadSeedOptions, SeededTable } from './load.ts';
import type { LoadReply, LoadRequest, LoadWorkerData } from './load-worker.ts';
import type { ProgressTeller } from './progress.ts';

const workerUrl = new URL(`./load-worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url);

/** What a worker computes is written into buffers and soon forgotten: more room for young objects is only filled, at 30 MB a worker. */
const resourceLimits = { maxYoungGenerationSizeMb: 6 };

/** What is told of the copying, for what can go on meanwhile. */
export interface CopyListener {
  /** All rows of the table stand. */
  onTable(target: TargetTable): void;
  /** A worker has no table left. */
  onWorkerEnd(): void;
}

/** A worker thread, and how it ends where nobody asked it to. */
interface Lane {
  worker: Worker;
  /** Rejects when the thread fails or ends. */
  ended: Promise<never>;
}

/**
 * The threads begin at once to import the scenario and to make themselves ready, which takes them some tenths of a second. Disposing ends them.
 *
 * A table has one stream and no more: only the transaction that emptied a table may load it without WAL and with frozen rows,
 * and rows stand in the table in the order of their numbers, whatever the number of workers.
 */
export class CopyPool implements AsyncDisposable {
  readonly #lanes: readonly Lane[];

  constructor({ scenarioFile, connection, seed, scale }: LoadSeedOptions, workers: number) {
    const workerData: LoadWorkerData = { scenarioFile, connection, seed, scale };
    this.#lanes = Array.from({ length: workers }, () => startLane(workerData));
  }

  get workers(): number {
    return this.#lanes.length;
  }

  /**
   * Once. A thread that has no table left is ended.
   *
   * @returns the tables in the order of `targets`
   * @throws the signal's reason, UsageError that names the row that failed, EnvironmentError when a thread or the server does
   */
  async copy(
    targets: readonly TargetTable[],
    progress: ProgressTeller,
    { signal, listener }: { signal?: AbortSignal; listener?: CopyListener } = {},
  ): Promise<SeededTable[]> {
    const queue = targets.toSorted((a, b) => b.rows - a.rows);
    const loaded = new Map<string, SeededTable>();
    const stop = (): void => void this.#end();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      signal?.throwIfAborted();
      const onLoaded = (target: TargetTable, table: SeededTable): void => {
        loaded.set(table.name, table);
        listener?.onTable(target);
      };
      await Promise.all(
        this.#lanes.map(async (lane) => {
          await drain(lane, queue, progress, onLoaded);
          await lane.worker.terminate();
          listener?.onWorkerEnd();
        }),
      );
      return targets.map(({ name }) => loaded.get(name)!);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
      // Whoever tidies up after a failure finds nobody at work.
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    await Promise.all(this.#lanes.map(({ worker }) => worker.terminate()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }
}

function startLane(workerData: LoadWorkerData): Lane {
  const worker = new Worker(workerUrl, { workerData, resourceLimits });
  const { promise: ended, reject } = Promise.withResolvers<never>();
  worker.once('error', (cause) =>
    reject(new EnvironmentError(`A worker thread of the seed failed: ${messageOf(cause)}.`, { cause })),
  );
  worker.once('exit', () => reject(new EnvironmentError('A worker thread of the seed ended early.')));
  ended.catch(() => {});
  return { worker, ended };
}

/** Gives one worker a table after the other until none is left. */
async function drain(
  { worker, ended }: Lane,
  queue: TargetTable[],
  progress: ProgressTeller,
  onLoaded: (target: TargetTable, table: SeededTable) => void,
): Promise<void> {
  for (let table = queue.shift(); table !== undefined; table = queue.shift()) {
    const request: LoadRequest = { type: 'load', table };
    worker.postMessage(request);
    onLoaded(table, await Promise.race([answer(worker, progress), ended]));
  }
}

function answer(worker: Worker, progress: ProgressTeller): Promise<SeededTable> {
  return new Promise((resolve, reject) => {
    const onMessage = (reply: LoadReply): void => {
      if (reply.type !== 'failed') progress.copied(reply.table, reply.rows, reply.bytes);
      if (reply.type === 'progress') return;
      worker.off('message', onMessage);
      if (reply.type === 'failed') return reject(failure(reply));
      const { table: name, rows, copyMs, bytes: copyBytes, sha256 } = reply;
      resolve({ name, rows, copyMs, copyBytes, sha256 });
    };
    worker.on('message', onMessage);
  });
}

function failure({ message, hint, usage }: Extract<LoadReply, { type: 'failed' }>): Error {
  const details = hint === undefined ? {} : { hint };
  return usage ? new UsageError(message, details) : new EnvironmentError(message, details);
}
