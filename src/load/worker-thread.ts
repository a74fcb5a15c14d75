/** The main thread's side of a worker thread: start it, talk to it, notice its death. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { EnvironmentError, ExitCode, messageOf, UsageError } from '../errors.ts';
import type { PgrehearseError } from '../errors.ts';
import type { WorkerCommand, WorkerOrder, WorkerReport } from './worker.ts';

export type WorkerDone = Extract<WorkerReport, { kind: 'done' }>;
export type WorkerLook = Extract<WorkerReport, { kind: 'progress' }>;

export interface RunningWorker extends AsyncDisposable {
  /** Resolves when it could start at once. */
  ready: Promise<void>;
  done: Promise<WorkerDone>;
  onLook: (look: WorkerLook) => void;
  send(command: WorkerCommand): void;
}

/** Starts a worker thread. Its failures, a crash included, reject `ready` and `done`; disposing ends it wherever it is. */
export function startWorker(order: WorkerOrder): RunningWorker {
  const file = new URL('./worker' + extname(fileURLToPath(import.meta.url)), import.meta.url);
  const thread = new Worker(file, { workerData: order });
  const ready = Promise.withResolvers<void>();
  const done = Promise.withResolvers<WorkerDone>();
  // Whoever waits for `ready` gets the failure too; nobody need wait for both.
  ready.promise.catch(() => {});
  done.promise.catch(() => {});
  const fail = (error: Error): void => {
    ready.reject(error);
    done.reject(error);
  };
  const running: RunningWorker = {
    ready: ready.promise,
    done: done.promise,
    onLook: () => {},
    send: (command) => thread.postMessage(command),
    [Symbol.asyncDispose]: async () => void (await thread.terminate()),
  };
  thread.on('message', (message: WorkerReport) => {
    if (message.kind === 'ready') ready.resolve();
    else if (message.kind === 'done') done.resolve(message);
    else if (message.kind === 'failed') fail(failureOf(message));
    else running.onLook(message);
  });
  thread.on('error', (error) => fail(crashed(messageOf(error), error)));
  thread.on('exit', (code) => fail(crashed(`it ended with code ${code}`)));
  return running;
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
