/**
 * Closed-loop capacity by autocannon: every connection sends its next request when the answer to the last has come. It tells how much
 * a service can do, and nothing of what users feel at a rate: while the service stalls, nobody asks.
 */
import autocannon from 'autocannon';
import { EnvironmentError } from '../errors.ts';
import type { ClosedLoopFigures } from '../result.ts';
import { drawRequest, type HttpExecutorOptions } from './executor.ts';
import { faultOf, payloadOf, type HttpAnswer } from './client.ts';
import type { HttpRequest, RequestSpec } from './spec.ts';

interface ClosedLoopOptions extends Pick<HttpExecutorOptions, 'requests' | 'drawer'> {
  stage: string;
  origin: string;
  connections: number;
  durationMs: number;
  timeoutMs: number;
  signal?: AbortSignal;
}

// Apart from the blocks of the load and from the comparison of answers: writes need keys that are new.
const closedLoopBlock = 950_000;

/**
 * Sends the scenario's requests, in the proportion of their weights, as fast as they are answered.
 *
 * autocannon runs without a rate, so it corrects no latency for coordinated omission (it refuses `ignoreCoordinatedOmission` then), and
 * without workers. Its own percentiles are whole milliseconds and lack p95: ours are of the same response times.
 *
 * @throws EnvironmentError when not one request was answered
 * @throws the signal's reason when aborted
 */
export async function closedLoop(options: ClosedLoopOptions): Promise<ClosedLoopFigures> {
  const { stage, origin, connections, durationMs, timeoutMs, signal } = options;
  const responsesMs: number[] = [];
  let refused = 0;
  const finished = Promise.withResolvers<autocannon.Result>();
  const running = autocannon(
    {
      url: origin,
      connections,
      duration: durationMs / 1000,
      timeout: Math.ceil(timeoutMs / 1000),
      requests: [
        {
          setupRequest: requestsInTurn(options),
          onResponse: (status, text, context, headers = {}) => {
            // A connection asks one thing at a time, and its context is its own.
            const { spec, request } = context as Asking;
            if (faultOf(spec, request, { status, text, headers: lowerCase(headers) }) !== undefined) refused++;
          },
        },
      ],
    },
    (error: Error | null, result) => (error === null ? finished.resolve(result) : finished.reject(error)),
  );
  running.on('response', (_client, _status, _bytes, responseMs) => void responsesMs.push(responseMs));
  const stop = (): void => running.stop();
  signal?.addEventListener('abort', stop, { once: true });
  const { errors, timeouts, duration } = await finished.promise;
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  if (responsesMs.length === 0) {
    throw new EnvironmentError(`The service of stage ${stage} answered no request of the closed loop.`, {
      hint: 'See what it printed.',
    });
  }
  responsesMs.sort((a, b) => a - b);
  const quantileUs = (share: number): number => responsesMs[Math.ceil(share * responsesMs.length) - 1]! * 1000;
  return {
    stage,
    connections,
    measuredMs: duration * 1000,
    answered: responsesMs.length,
    answeredPerSecond: responsesMs.length / duration,
    failed: errors - timeouts + refused,
    timedOut: timeouts,
    p50Us: quantileUs(0.5),
    p95Us: quantileUs(0.95),
    p99Us: quantileUs(0.99),
  };
}

/** What a connection waits for. */
interface Asking {
  spec: RequestSpec;
  request: HttpRequest;
}

function lowerCase(headers: HttpAnswer['headers']): HttpAnswer['headers'] {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** A new request each time, of a kind drawn by the weights. What would follow from an answer is left out. */
function requestsInTurn({ requests, drawer }: ClosedLoopOptions) {
  const choices = Object.entries(requests).map(([name, spec]): [[string, RequestSpec], number] => [
    [name, spec],
    spec.weight,
  ]);
  let arrival = 0;
  return (defaults: autocannon.Request, context: object): autocannon.Request => {
    const [name, spec] = drawer.draw(closedLoopBlock + 1, arrival, 0).weighted(choices);
    const request = drawRequest(name, spec, drawer, closedLoopBlock, arrival++, 0);
    Object.assign(context, { spec, request } satisfies Asking);
    return { ...defaults, method: request.method, path: request.path, ...payloadOf(request) };
  };
}
