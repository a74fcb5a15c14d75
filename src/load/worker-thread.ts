/** The main thread's side of a worker thread: start it, talk to it, notice its death. */
import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { EnvironmentError, ExitCode, messageOf, UsageError } from '../errors.ts';
import type { PgrehearseError } from '../errors.ts';
import type { BlockOrder, SessionOrder, WorkerCommand, WorkerReport } from './worker.ts';

export type WorkerDone = Extract<WorkerReport, { kind: 'done' }>;
export type WorkerLook = Extract<WorkerReport, { kind: 'progress' }>;

/** A block on a worker. */
export interface WorkerBlock {
  /** Resolves when it could start at once. */
  ready: Promise<void>;
  done: Promise<WorkerDone>;
  onLook: (look: WorkerLook) => void;
}

/**
 * V8 begins with a young generation of a megabyte and lets it grow with what survives, which of a transaction is next to nothing: at 1,000 a second
 * it was collected more than once a second. With 16 MB it is once in three, and p99 was a fifth lower (medians of four turns each).
 */
const youngGeneration = '--min-semi-space-size=16';

/**
 * V8 compiles what is hot on threads of its own, by default after 3,000 calls: at 1,000 a second that went on for ten seconds, up to 8 ms each, on a
 * core where a backend of the server or the loop waited. After 500 it is over when the warm-up is. Without real-time scheduling p99 of the
 * response was 0.4 times what it had been (medians of four turns each).
 */
const compilingEarly = '--invocation-count-for-turbofan=500';

/** A worker thread with its connections open to one stage. Blocks are carried out one after the other. */
export class SessionWorker implements AsyncDisposable {
  readonly #thread: Worker;
  readonly #opened = settled<void>();
  readonly #exited = Promise.withResolvers<void>();
  #block: { ready: Settled<void>; done: Settled<WorkerDone>; handle: WorkerBlock } | undefined;
  #failure: Error | undefined;

  /** Starts the thread. Its failures, a crash included, reject `opened` and every block. */
  constructor(order: SessionOrder) {
    // Before the thread is made: only then is the size of its young generation read.
    setFlagsFromString(youngGeneration);
    setFlagsFromString(compilingEarly);
    const file = new URL('./worker' + extname(fileURLToPath(import.meta.url)), import.meta.url);
    this.#thread = new Worker(file, { workerData: order });
    this.#thread.on('message', (message: WorkerReport) => this.#receive(message));
    this.#thread.on('error', (error) => this.#fail(crashed(messageOf(error), error)));
    this.#thread.on('exit', (code) => {
      this.#fail(crashed(`it ended with code ${code}`));
      this.#exited.resolve();
    });
  }

  /** Resolves when the connections are open. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Lets the worker get ready for a block. The one before must be done. */
  begin(order: BlockOrder): WorkerBlock {
    const [ready, done] = [settled<void>(), settled<WorkerDone>()];
    const handle: WorkerBlock = { ready: ready.promise, done: done.promise, onLook: () => {} };
    this.#block = { ready, done, handle };
    if (this.#failure !== undefined) this.#fail(this.#failure);
    this.send({ kind: 'block', block: order });
    return handle;
  }

  send(command: WorkerCommand): void {
    this.#thread.postMessage(command);
  }

  #receive(message: WorkerReport): void {
    if (message.kind === 'opened') this.#opened.resolve();
    else if (message.kind === 'ready') this.#block?.ready.resolve();
    else if (message.kind === 'done') this.#block?.done.resolve(message);
    else if (message.kind === 'failed') this.#fail(failureOf(message));
    else this.#block?.handle.onLook(message);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#opened.reject(this.#failure);
    this.#block?.ready.reject(this.#failure);
    this.#block?.done.reject(this.#failure);
  }

  /** Lets it close its connections; a worker that does not end is ended wherever it is. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.send({ kind: 'close' });
    await Promise.race([this.#exited.promise, sleep(closingMs, undefined, { ref: false })]);
    await this.#thread.terminate();
  }
}

/** A worker that waits for a block closes its connections at once; one that is stuck in the middle of one is not waited for. */
const closingMs = 1000;

type Settled<T> = PromiseWithResolvers<T>;

/** A promise of which nobody need take notice when it is rejected: whoever waits for another of the same worker gets the failure too. */
function settled<T>(): Settled<T> {
  const resolvers = Promise.withResolvers<T>();
  resolvers.promise.catch(() => {});
  return resolvers;
}

/** Error classes do not survive the way between threads. */
function failureOf({ exitCode, message, hint }: Extract<WorkerReport, { kind: 'failed' }>): PgrehearseError {
  const details = hint === undefined ? {} : { hint };
  return exitCode === ExitCode.usage ? new UsageError(message, details) : new EnvironmentError(message, details);
}

function crashed(reason: string, cause?: unknown): EnvironmentError {
  return new EnvironmentError(`A worker thread of the load generator died: ${reason}.`, {
    hint: 'The block has no result; run again, and report the message if it recurs.',
    cause,
  });
}
