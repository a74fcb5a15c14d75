/** Carries out the arrivals of a block against an HTTP service. */
import { messageOf, UsageError } from '../errors.ts';
import type { Ending } from '../load/drive.ts';
import { Fate, LabelTable } from '../load/samples.ts';
import type { Labels, Samples } from '../load/samples.ts';
import { exchange, type Asked } from './exchange.ts';
import type { Drawer } from './scenario.ts';
import type { HttpRequest, RequestSpec } from './spec.ts';

export interface HttpExecutorOptions {
  requests: Readonly<Record<string, RequestSpec>>;
  drawer: Drawer;
  blockNumber: number;
  samples: Samples;
  connections: readonly (Asked & { firstByteUs: number })[];
}

const fates = {
  failed: Fate.failed,
  'timed out': Fate.timedOut,
  'wrong answer': Fate.failed,
  broken: Fate.failed,
} as const;

/** Draws requests ahead, sends them, checks the answers, and names errors. Nothing is sent twice. */
export class HttpExecutor {
  readonly #options: HttpExecutorOptions;
  readonly #requests: [name: string, RequestSpec][];
  readonly #drawn = new Map<number, HttpRequest>();
  readonly #errors = new LabelTable<Labels['errors'][number]>();

  constructor(options: HttpExecutorOptions) {
    this.#options = options;
    this.#requests = Object.entries(options.requests);
  }

  get labels(): Labels {
    return { errors: this.#errors.labels, classes: [] };
  }

  /** @throws UsageError when the scenario's `request` throws or draws what cannot be sent */
  prepare(arrival: number): number {
    const { drawer, blockNumber, samples } = this.#options;
    const [name, spec] = this.#specOf(arrival);
    this.#drawn.set(arrival, drawRequest(name, spec, drawer, blockNumber, arrival, samples.dueUs[arrival]! / 1000));
    return 0;
  }

  /** Connections are opened by the first request on them. */
  connect(): undefined {}

  firstByteUs(connection: number): number {
    return this.#options.connections[connection]!.firstByteUs;
  }

  async execute(arrival: number, connection: number): Promise<Ending> {
    const request = this.#drawn.get(arrival)!;
    this.#drawn.delete(arrival);
    const asked = this.#options.connections[connection]!;
    asked.firstByteUs = 0;
    const { fault } = await exchange(asked, this.#specOf(arrival)[1], request);
    if (fault === undefined) return { fate: Fate.succeeded, error: 0, retries: 0 };
    const { kind, code, message } = fault;
    const label = this.#errors.numberOf(code, () => ({ code, example: message }));
    return { fate: fates[kind], error: label, retries: 0 };
  }

  #specOf(arrival: number): [name: string, RequestSpec] {
    return this.#requests[this.#options.samples.transaction[arrival]!]!;
  }
}

/**
 * One request of a kind, the same for every stage.
 *
 * @throws UsageError when the scenario's `request` throws, or draws a path without its slash
 */
export function drawRequest(
  name: string,
  spec: RequestSpec,
  drawer: Drawer,
  block: number,
  arrival: number,
  dueMs: number,
): HttpRequest {
  const hint = 'Correct `request` of it in the scenario.';
  let request: HttpRequest;
  try {
    request = spec.request(drawer.draw(block, arrival, dueMs));
  } catch (cause) {
    throw new UsageError(`The request ${name} cannot be drawn: ${messageOf(cause)}`, { hint, cause });
  }
  if (typeof request?.path === 'string' && request.path.startsWith('/')) return request;
  throw new UsageError(`The request ${name} has no path that begins with a slash: ${request?.path}`, { hint });
}
