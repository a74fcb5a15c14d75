/** Background jobs of a stage: maintenance that a real system does beside its traffic, each on a connection of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { EnvironmentError, messageOf } from '../errors.ts';
import type { JobSpec } from '../scenario.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { withClient } from '../database.ts';
import { monotonicClock } from './pacer.ts';

/** One run of a job; instants of the monotonic clock. */
export interface JobRecord {
  name: string;
  startedUs: number;
  endedUs: number;
  error?: string;
  /** The load ended first, and the statement was cancelled. */
  cutOff?: true;
}

const defaultTimeoutMs = 60_000;

/** Jobs with their connections open. Disposing closes them. */
export class BackgroundJobs implements AsyncDisposable {
  readonly #target: ConnectionTarget;
  readonly #jobs: readonly OpenJob[];
  readonly #resources: AsyncDisposableStack;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(target: ConnectionTarget, jobs: readonly OpenJob[], resources: AsyncDisposableStack) {
    this.#target = target;
    this.#jobs = jobs;
    this.#resources = resources;
  }

  /** @throws EnvironmentError when a job cannot connect */
  static async open(target: ConnectionTarget, jobs: Readonly<Record<string, JobSpec>>): Promise<BackgroundJobs> {
    await using resources = new AsyncDisposableStack();
    const opened: OpenJob[] = [];
    for (const [name, spec] of Object.entries(jobs)) {
      const job: OpenJob = { name, spec, client: await connectJob(target, name, spec) };
      resources.defer(() => job.client.end());
      noteLoss(job);
      opened.push(job);
    }
    return new BackgroundJobs(target, opened, resources.move());
  }

  /** Begins to count at this instant. */
  start(startUs: number): JobRecord[] {
    const records: JobRecord[] = [];
    this.#running = Promise.all(this.#jobs.map((job) => this.#repeat(job, startUs, records)));
    return records;
  }

  /** Cancels what still runs; afterwards the records are complete. */
  async stop(): Promise<void> {
    this.#stop.abort();
    const busy = this.#jobs.filter(({ busy }) => busy === true).map(({ client }) => processId(client));
    if (busy.length > 0) {
      await withClient(
        this.#target,
        (client) => client.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [busy]),
        // A server that is gone has ended the jobs already.
      ).catch(() => {});
    }
    await this.#running;
  }

  /** A run that takes longer than the interval skips the turns that it overlaps. */
  async #repeat(job: OpenJob, startUs: number, records: JobRecord[]): Promise<void> {
    const { everyMs, firstMs = everyMs } = job.spec;
    let dueMs = firstMs;
    for (;;) {
      const elapsedMs = (monotonicClock.nowUs() - startUs) / 1000;
      await sleep(Math.max(0, dueMs - elapsedMs), undefined, { signal: this.#stop.signal }).catch(() => {});
      if (this.#stop.signal.aborted) return;
      const record = await this.#runOnce(job);
      records.push(record);
      const endedMs = (record.endedUs - startUs) / 1000;
      do dueMs += everyMs;
      while (dueMs < endedMs);
    }
  }

  async #runOnce(job: OpenJob): Promise<JobRecord> {
    const startedUs = monotonicClock.nowUs();
    job.busy = true;
    let error: string | undefined;
    try {
      if (job.lost === true) await this.#reconnect(job);
      for (const statement of job.spec.statements) await job.client.query(statement);
    } catch (thrown) {
      error = messageOf(thrown);
    }
    job.busy = false;
    const record: JobRecord = { name: job.name, startedUs, endedUs: monotonicClock.nowUs() };
    if (error === undefined) return record;
    return this.#stop.signal.aborted ? { ...record, cutOff: true } : { ...record, error };
  }

  async #reconnect(job: OpenJob): Promise<void> {
    job.client = await connectJob(this.#target, job.name, job.spec);
    job.lost = false;
    noteLoss(job);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#resources.disposeAsync();
  }
}

interface OpenJob {
  name: string;
  spec: JobSpec;
  client: Client;
  busy?: boolean;
  /** The server has closed the connection. */
  lost?: boolean;
}

async function connectJob(
  target: ConnectionTarget,
  name: string,
  { timeoutMs = defaultTimeoutMs }: JobSpec,
): Promise<Client> {
  const client = new Client({
    ...target,
    application_name: `pgrehearse job ${name}`,
    statement_timeout: timeoutMs,
  });
  // A connection that breaks while idle must not end the process; the next run of the job tells.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new EnvironmentError(`The job ${name} cannot connect: ${messageOf(error)}`, {
      hint: 'Each job needs a connection beside those of the load: see max_connections.',
      cause: error,
    });
  }
  return client;
}

/** A job whose connection the server closed, as in a restart, opens another one when its next turn comes. */
function noteLoss(job: OpenJob): void {
  job.client.once('end', () => (job.lost = true));
}

/** Missing in the types of pg. */
function processId(client: Client): number {
  return (client as Client & { processID: number }).processID;
}
