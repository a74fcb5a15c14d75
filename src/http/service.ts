/** A service under test: started in a process group of its own, awaited, watched, stopped. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError, messageOf } from '../errors.ts';
import { freePort } from '../server/ports.ts';
import type { ServiceSpec } from './spec.ts';

/** Where the requests of a stage go. Disposing stops a service that is ours. */
export interface Service extends AsyncDisposable {
  readonly origin: string;
  /** Aborted when the service ended although nobody stopped it; the reason is an EnvironmentError. Never for a url. */
  readonly died: AbortSignal;
  /** The error to tell: that the service ended, and its last words, in place of what a client met; any other error as it is. */
  explain(error: unknown): Promise<unknown>;
}

interface ServiceStart {
  spec: ServiceSpec;
  /** Names the service in messages. */
  stage: string;
  /** Folder in which the command is started. */
  folder: string;
  /** Given to a service that we start. */
  databaseUrl?: string;
  signal?: AbortSignal;
}

const defaultReadyWithinMs = 30_000;
/** Between two questions whether it is ready. */
const readyPollMs = 50;
/** A service that does not end on SIGTERM is killed after this time. */
const stopWithinMs = 10_000;
const stopPollMs = 20;
const lastWordsMs = 200;
/** What is kept of its output. */
const outputBytes = 4_000;

/**
 * Starts the service of a stage, or finds the one that runs, and waits until it is ready.
 *
 * @throws EnvironmentError with the end of its output when it does not come up; nothing is left running then
 * @throws the signal's reason when aborted
 */
export async function openService(start: ServiceStart): Promise<Service> {
  const { spec, stage, signal } = start;
  if (spec.url !== undefined) {
    const origin = new URL(spec.url).origin;
    await untilReady(origin, spec, stage, signal);
    return new FoundService(origin);
  }
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  await using resources = new AsyncDisposableStack();
  const own = resources.use(await ServiceProcess.start(start, port));
  await untilReady(origin, spec, stage, signal, own);
  const kept = resources.move();
  return {
    origin,
    died: own.died,
    explain: (error) => own.explain(error),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Not ours: nothing is known of its process, and nothing is stopped. */
class FoundService implements Service {
  readonly origin: string;
  readonly died = new AbortController().signal;

  constructor(origin: string) {
    this.origin = origin;
  }

  explain(error: unknown): Promise<unknown> {
    return Promise.resolve(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

async function untilReady(
  origin: string,
  { readyPath, readyWithinMs = defaultReadyWithinMs }: ServiceSpec,
  stage: string,
  signal: AbortSignal | undefined,
  own?: ServiceProcess,
): Promise<void> {
  const deadline = performance.now() + readyWithinMs;
  const question = `${origin}${readyPath ?? '/'}`;
  let last = 'it was not asked';
  while (performance.now() < deadline) {
    signal?.throwIfAborted();
    own?.died.throwIfAborted();
    const leftMs = Math.max(1, Math.ceil(deadline - performance.now()));
    const answer = await fetch(question, { signal: AbortSignal.timeout(leftMs) }).catch((error: unknown) => error);
    if (answer instanceof Response) {
      await answer.body?.cancel();
      if (answer.ok || readyPath === undefined) return;
      last = `it answered with status ${answer.status}`;
    } else {
      last = causeOf(answer);
    }
    await sleep(readyPollMs);
  }
  throw new EnvironmentError(
    `The service of stage ${stage} was not ready within ${readyWithinMs / 1000} s (GET ${question}: ${last}).${own?.tail ?? ''}`,
    {
      hint:
        own === undefined
          ? 'Start it, or correct its url.'
          : 'It has to listen on 127.0.0.1, on the port given in PORT.',
    },
  );
}

/** What fetch says is "fetch failed"; why is one further. */
function causeOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return messageOf(cause ?? error) || String((cause as { code?: unknown } | undefined)?.code);
}

/** A process group of ours: `npm start` is a program that starts the service as its child. */
class ServiceProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #died = new AbortController();
  readonly #killAtExit = (): void => void this.#signal('SIGKILL');
  #output = '';
  #stopping = false;

  private constructor(child: ChildProcess, stage: string) {
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream
        .setEncoding('utf8')
        .on('data', (text: string) => (this.#output = (this.#output + text).slice(-outputBytes)));
    }
    process.on('exit', this.#killAtExit);
    child.once('exit', (code, signal) => void this.#noteEnd(stage, signal ?? `code ${code}`));
  }

  static async start({ spec, stage, folder, databaseUrl }: ServiceStart, port: number): Promise<ServiceProcess> {
    const [program, ...args] = spec.command!;
    const database = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl };
    // Detached: a group of its own, which Ctrl-C in the terminal does not reach. We stop it.
    const child = spawn(program!, args, {
      cwd: folder,
      detached: true,
      env: { ...process.env, ...database, ...spec.env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    try {
      await once(child, 'spawn');
    } catch (cause) {
      throw new EnvironmentError(`The service of stage ${stage} could not be started: ${messageOf(cause)}.`, {
        hint: `Its command is ${spec.command!.join(' ')}, started in ${folder}.`,
        cause,
      });
    }
    return new ServiceProcess(child, stage);
  }

  get died(): AbortSignal {
    return this.#died.signal;
  }

  async #noteEnd(stage: string, how: string): Promise<void> {
    if (this.#stopping) return;
    // The last of its output comes after its end; a child of its own may hold the pipes for ever.
    await Promise.race([once(this.#child, 'close'), sleep(lastWordsMs)]);
    this.#died.abort(
      new EnvironmentError(`The service of stage ${stage} ended with ${how} although nobody stopped it.${this.tail}`, {
        hint: 'Mend the service and run again; finished stages are in result.json.',
      }),
    );
  }

  /** Its connections are reset a moment before we hear of its end. */
  async explain(error: unknown): Promise<unknown> {
    if (!this.died.aborted) await sleep(2 * lastWordsMs);
    return this.died.aborted ? this.died.reason : error;
  }

  /** The end of its output, as the end of a message. */
  get tail(): string {
    const output = this.#output.trim();
    return output === '' ? ' It printed nothing.' : ` The end of its output:\n${output.replaceAll(/^/gm, '  ')}`;
  }

  /** SIGTERM to the whole group, then patience, then SIGKILL. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#signal('SIGTERM');
    // Not only the first process: what `npm start` has started may still be closing its connections.
    const deadline = performance.now() + stopWithinMs;
    while (this.#signal(0) && performance.now() < deadline) await sleep(stopPollMs);
    this.#signal('SIGKILL');
    process.off('exit', this.#killAtExit);
  }

  /** Signals the whole group; false when nobody of it is left. */
  #signal(name: NodeJS.Signals | 0): boolean {
    if (process.platform === 'win32') return this.#child.kill(name);
    try {
      return process.kill(-this.#child.pid!, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }
}
