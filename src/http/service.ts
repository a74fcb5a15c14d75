/** A service under test: started with what it needs beside it, or found, and awaited until it is ready. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError, messageOf } from '../errors.ts';
import { freePort } from '../server/ports.ts';
import { startCompanions } from './companions.ts';
import { ProcessGroup } from './process-group.ts';
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
  /** Where it is recorded while it runs. */
  cacheDir: string;
  /** Given to a service that we start. */
  databaseUrl?: string;
  signal?: AbortSignal;
  /** Told when something beside the service ended: the service has to cope. */
  onCompanionEnd?: (sentence: string) => void;
}

const defaultReadyWithinMs = 30_000;
/** Between two questions whether it is ready. */
const readyPollMs = 50;

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
  await using resources = new AsyncDisposableStack();
  const companions = resources.use(await startCompanions(start));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const own = resources.use(await startOwn(start, { ...companions.env, PORT: String(port) }));
  await untilReady(origin, spec, stage, signal, own);
  const kept = resources.move();
  return {
    origin,
    died: own.died,
    explain: (error) => own.explain(error),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function startOwn(
  { spec, stage, folder, cacheDir, databaseUrl }: ServiceStart,
  env: Record<string, string>,
): Promise<ProcessGroup> {
  const database: Record<string, string> = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl };
  return ProcessGroup.start({
    name: `The service of stage ${stage}`,
    cacheDir,
    command: spec.command!,
    folder,
    env: { ...database, ...spec.env, ...env },
  });
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
  own?: ProcessGroup,
): Promise<void> {
  const deadline = performance.now() + readyWithinMs;
  const question = `${origin}${readyPath ?? '/'}`;
  let last = 'it was not asked';
  while (performance.now() < deadline) {
    signal?.throwIfAborted();
    own?.died.throwIfAborted();
    const leftMs = Math.max(1, Math.ceil(deadline - performance.now()));
    const ends = [AbortSignal.timeout(leftMs), signal, own?.died].filter((end) => end !== undefined);
    const answer = await fetch(question, { signal: AbortSignal.any(ends) }).catch((error: unknown) => error);
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
