/** Statements side by side: a few connections, each taking the largest task that is left. */
import { Client, DatabaseError } from 'pg';
import { EnvironmentError, UsageError, messageOf } from '../errors.ts';
import type { ConnectionTarget } from '../server/server.ts';

/** One statement, or several that belong together. */
export interface Task {
  phase: 'index' | 'constraint' | 'analyze';
  table: string;
  /** How long it takes, relative to the others: the largest go first, so that no core is left with a long one at the end. */
  size: number;
  /** What it makes, for people. */
  text: string;
  statement: string;
}

interface Waiting {
  task: Task;
  done: () => void;
  failed: (error: unknown) => void;
}

/**
 * Index builds are side by side already, and each by itself takes less: parallel workers hand their sorted runs over in
 * temporary files. Measured on two cores with 2.1 million rows: 13 indexes in 3.5 s instead of 5.
 */
const onePerCore = 'SET max_parallel_maintenance_workers = 0';

/** A lane is one connection; tasks may be given before there is any. Disposing cancels what runs and closes the lanes. */
export class TaskLanes implements AsyncDisposable {
  readonly #connection: ConnectionTarget;
  readonly #onStart: (task: Task) => void;
  readonly #closing = new AbortController();
  readonly #lanes: Promise<void>[] = [];
  readonly #queue: Waiting[] = [];
  #more = Promise.withResolvers<void>();
  /** Why a lane could not go on: then nobody may be left to do what waits. */
  #fault: Error | undefined;

  constructor(connection: ConnectionTarget, onStart: (task: Task) => void) {
    this.#connection = connection;
    this.#onStart = onStart;
    this.#closing.signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  /** Adds a lane. */
  open(): void {
    this.#lanes.push(this.#work());
  }

  /**
   * Resolves when all of the tasks are done.
   * @throws UsageError when the rows break a constraint, EnvironmentError when the server fails
   */
  async run(tasks: readonly Task[]): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault;
    const ends = tasks.map((task) => {
      const { promise, resolve: done, reject: failed } = Promise.withResolvers<void>();
      this.#queue.push({ task, done, failed });
      return promise;
    });
    this.#queue.sort((a, b) => b.task.size - a.task.size);
    this.#wake();
    await Promise.all(ends);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#lanes);
  }

  async #work(): Promise<void> {
    const client = newClient(this.#connection);
    try {
      await client.connect();
      await client.query(onePerCore);
      for (let next = await this.#next(); next !== undefined; next = await this.#next()) {
        this.#onStart(next.task);
        await this.#runTask(client, next.task).then(next.done, next.failed);
      }
    } catch (error) {
      this.#fault = new EnvironmentError(`A connection for building indexes failed: ${messageOf(error)}.`, {
        cause: error,
      });
      for (const { failed } of this.#queue.splice(0)) failed(this.#fault);
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** The largest task that waits; undefined when the lanes are closed. */
  async #next(): Promise<Waiting | undefined> {
    while (!this.#closing.signal.aborted) {
      const waiting = this.#queue.shift();
      if (waiting !== undefined) return waiting;
      await this.#more.promise;
    }
    return undefined;
  }

  /** Lanes without a task look again. */
  #wake(): void {
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  async #runTask(client: Client, task: Task): Promise<void> {
    const { signal } = this.#closing;
    const end = (): void => void endBackend(this.#connection, client);
    signal.addEventListener('abort', end, { once: true });
    try {
      await client.query(task.statement);
    } catch (error) {
      throw taskFault(task, error);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }
}

function newClient(connection: ConnectionTarget): Client {
  const client = new Client({ ...connection, application_name: 'pgrehearse seed' });
  // A connection that breaks while idle is told by its next query.
  client.on('error', () => {});
  return client;
}

/** Ends a statement that nobody waits for any more, with its connection: a mere cancel would be lost if it came too early. */
async function endBackend(connection: ConnectionTarget, client: Client): Promise<void> {
  const { processID } = client as unknown as { processID: number };
  const other = newClient(connection);
  try {
    await other.connect();
    await other.query('SELECT pg_terminate_backend($1)', [processID]);
  } catch {
    // The server is going down; then the statement ends with it.
  } finally {
    await other.end().catch(() => {});
  }
}

function taskFault(task: Task, error: unknown): Error {
  const message = `${task.text} of the seeded tables could not be restored: ${messageOf(error)}.`;
  const sentence = message.slice(0, 1).toUpperCase() + message.slice(1);
  // Class 23: integrity constraint violation.
  if (error instanceof DatabaseError && error.code?.startsWith('23')) {
    return new UsageError(sentence, { hint: error.detail ?? 'Correct the seed definition.', cause: error });
  }
  return new EnvironmentError(sentence, { cause: error });
}
