/** Worker threads that load tables side by side: one stream a table, the largest tables first. */
import { once } from 'node:events';
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

/**
 * A table has one stream and no more: only the transaction that emptied a table may load it without WAL and with frozen rows,
 * and rows stand in the table in the order of their numbers, whatever the number of workers.
 *
 * @returns the tables in the order of `targets`
 */
export async function copyTables(
  options: LoadSeedOptions & { workers: number },
  targets: readonly TargetTable[],
  progress: ProgressTeller,
  listener?: CopyListener,
): Promise<SeededTable[]> {
  const { scenarioFile, connection, seed, scale, signal } = options;
  const workerData: LoadWorkerData = { scenarioFile, connection, seed, scale };
  const queue = targets.toSorted((a, b) => b.rows - a.rows);
  const loaded = new Map<string, SeededTable>();
  const workers = Array.from({ length: options.workers }, () => new Worker(workerUrl, { workerData, resourceLimits }));
  const stop = (): void => workers.forEach((worker) => void worker.terminate());
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const onLoaded = (target: TargetTable, table: SeededTable): void => {
      loaded.set(table.name, table);
      listener?.onTable(target);
    };
    await Promise.all(
      workers.map(async (worker) => {
        await drain(worker, queue, progress, onLoaded);
        await worker.terminate();
        listener?.onWorkerEnd();
      }),
    );
    return targets.map(({ name }) => loaded.get(name)!);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Gives one worker a table after the other until none is left. */
async function drain(
  worker: Worker,
  queue: TargetTable[],
  progress: ProgressTeller,
  onLoaded: (target: TargetTable, table: SeededTable) => void,
): Promise<void> {
  const gone = new AbortController();
  const ended = once(worker, 'exit', { signal: gone.signal }).then(() => {
    throw new EnvironmentError('A worker thread of the seed ended early.');
  });
  ended.catch(() => {});
  try {
    for (let table = queue.shift(); table !== undefined; table = queue.shift()) {
      const request: LoadRequest = { type: 'load', table };
      worker.postMessage(request);
      onLoaded(table, await Promise.race([answer(worker, progress), ended]));
    }
  } finally {
    gone.abort();
  }
}

function answer(worker: Worker, progress: ProgressTeller): Promise<SeededTable> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', onMessage);
      worker.off('error', onError);
    };
    const onError = (error: unknown): void => {
      settle();
      reject(new EnvironmentError(`A worker thread of the seed failed: ${messageOf(error)}.`, { cause: error }));
    };
    const onMessage = (reply: LoadReply): void => {
      if (reply.type !== 'failed') progress.copied(reply.table, reply.rows, reply.bytes);
      if (reply.type === 'progress') return;
      settle();
      if (reply.type === 'failed') return reject(failure(reply));
      const { table: name, rows, copyMs, bytes: copyBytes, sha256 } = reply;
      resolve({ name, rows, copyMs, copyBytes, sha256 });
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
  });
}

function failure({ message, hint, usage }: Extract<LoadReply, { type: 'failed' }>): Error {
  const details = hint === undefined ? {} : { hint };
  return usage ? new UsageError(message, details) : new EnvironmentError(message, details);
}
