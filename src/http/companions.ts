/** Programs that a service needs beside its database, a Redis for instance: started before it, on free ports, and stopped after it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError } from '../errors.ts';
import { freePort } from '../server/ports.ts';
import { ProcessGroup } from './process-group.ts';
import type { CompanionSpec, ServiceSpec } from './spec.ts';

const readyWithinMs = 10_000;
const readyPollMs = 20;

/** Programs that run. Disposing stops them. */
export interface Companions extends AsyncDisposable {
  /** Variables by which the service finds them. */
  readonly env: Record<string, string>;
}

interface CompanionStart {
  spec: ServiceSpec;
  stage: string;
  folder: string;
  cacheDir: string;
  signal?: AbortSignal;
  onCompanionEnd?: (sentence: string) => void;
}

/**
 * Starts them one after the other, each until it accepts connections.
 *
 * @throws EnvironmentError with the end of its output when one does not come up; nothing is left running then
 * @throws the signal's reason when aborted
 */
export async function startCompanions(start: CompanionStart): Promise<Companions> {
  await using resources = new AsyncDisposableStack();
  const env: Record<string, string> = {};
  for (const [variable, spec] of Object.entries(start.spec.beside ?? {})) {
    const port = await freePort();
    const companion = resources.use(await startOne(variable, spec, port, start));
    companion.died.addEventListener('abort', () => start.onCompanionEnd?.(companion.ending!));
    env[variable] = withPort(spec.value, port);
  }
  const kept = resources.move();
  return { env, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function startOne(
  variable: string,
  { command }: CompanionSpec,
  port: number,
  { stage, folder, cacheDir, signal }: CompanionStart,
): Promise<ProcessGroup> {
  const name = `${command[0]} (${variable}) beside the service of stage ${stage}`;
  await using resources = new AsyncDisposableStack();
  const program = { name, cacheDir, command: command.map((part) => withPort(part, port)), folder, env: {} };
  const companion = resources.use(await ProcessGroup.start(program));
  const deadline = performance.now() + readyWithinMs;
  while (!(await accepts(port))) {
    signal?.throwIfAborted();
    companion.died.throwIfAborted();
    if (performance.now() > deadline) {
      throw new EnvironmentError(`${name} accepted no connection within ${readyWithinMs / 1000} s.${companion.tail}`, {
        hint: 'It has to listen on 127.0.0.1 and the port that stands for $PORT.',
      });
    }
    await sleep(readyPollMs);
  }
  resources.move();
  return companion;
}

function withPort(text: string, port: number): string {
  return text.replaceAll('$PORT', String(port));
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
