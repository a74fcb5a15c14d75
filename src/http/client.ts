/** One connection to a service: kept alive, one request at a time, with a deadline for the whole answer. */
import { Client } from 'undici';
import { errorCode } from '../load/client.ts';
import { monotonicClock } from '../load/pacer.ts';
import { wrongAnswer } from '../result.ts';
import type { AnswerCheck, HttpRequest, RequestSpec } from './spec.ts';

/** A whole answer, read to its end. */
export interface HttpAnswer {
  status: number;
  /** By lower-case name. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
}

/** What was wrong with an answer (`broken`: with the connection, so that there is none). `code` groups errors in the result. */
export interface RequestError {
  kind: 'failed' | 'timed out' | 'wrong answer' | 'broken';
  code: string;
  message: string;
}

const longestExample = 200;

/** Connections can be opened again after a fault; the client does so by itself with the next request. */
export class HttpConnection implements AsyncDisposable {
  readonly #client: Client;
  readonly #timeoutMs: number;
  /** When the head of an answer came, in microseconds of the monotonic clock; only a 0 is replaced. */
  firstByteUs = 0;

  constructor(origin: string, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    // The deadline is ours: undici's own count in steps of half a second.
    this.#client = new Client(origin, { headersTimeout: 0, bodyTimeout: 0, pipelining: 1 });
  }

  /** @throws what undici throws; a DOMException named TimeoutError when the answer took too long */
  async ask(request: HttpRequest): Promise<HttpAnswer> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(timeoutError(this.#timeoutMs)), this.#timeoutMs);
    try {
      const { method, path } = request;
      const { statusCode, headers, body } = await this.#client.request({
        method,
        path,
        ...payloadOf(request),
        signal: deadline.signal,
      });
      if (this.firstByteUs === 0) this.firstByteUs = monotonicClock.nowUs();
      return { status: statusCode, headers, text: await body.text() };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Drops the connection and what is under way on it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.destroy();
  }
}

function timeoutError(timeoutMs: number): DOMException {
  return new DOMException(`no whole answer within ${timeoutMs} ms`, 'TimeoutError');
}

/** Headers and body as they are sent. */
export function payloadOf({ headers = {}, body }: HttpRequest): { headers: Record<string, string>; body?: string } {
  if (body === undefined) return { headers: { ...headers } };
  if (typeof body === 'string') return { headers: { ...headers }, body };
  return { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

/** The body as checks and comparisons see it: JSON parsed where the answer says that it is, else the text. */
export function bodyOf({ headers, text }: Pick<HttpAnswer, 'headers' | 'text'>): unknown {
  if (!/\bjson\b/i.test(String(headers['content-type'] ?? ''))) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What is wrong with an answer; undefined when it is right. */
export function faultOf(
  { check = {}, maxStaleMs }: Pick<RequestSpec, 'check' | 'maxStaleMs'>,
  request: HttpRequest,
  answer: HttpAnswer,
): RequestError | undefined {
  const { status, text } = answer;
  const asked = `${request.method} ${request.path}`;
  const beginning = text.slice(0, longestExample);
  if (!isExpected(check.status, status)) {
    return { kind: 'failed', code: `HTTP ${status}`, message: `${asked}: ${beginning}` };
  }
  const ageMs = Number(answer.headers['age'] ?? 0) * 1000;
  if (maxStaleMs !== undefined && ageMs > maxStaleMs) {
    return wrong(`${asked}: ${ageMs / 1000} s old, ${maxStaleMs / 1000} s allowed`);
  }
  return isRight(check, request, answer) ? undefined : wrong(`${asked}: ${beginning}`);
}

export function wrong(message: string): RequestError {
  return { kind: 'wrong answer', code: wrongAnswer, message };
}

function isExpected(expected: AnswerCheck['status'], status: number): boolean {
  if (expected === undefined) return status >= 200 && status <= 299;
  return typeof expected === 'number' ? status === expected : expected.includes(status);
}

/** A check that throws on a body that it did not expect has refused it. */
function isRight(check: AnswerCheck, request: HttpRequest, answer: HttpAnswer): boolean {
  try {
    return check.body?.(bodyOf(answer), request) ?? true;
  } catch {
    return false;
  }
}

/** An error of the transport, named. */
export function transportError(error: unknown, request: HttpRequest): RequestError {
  const { name = '', message = String(error) } = error instanceof Error ? error : {};
  const told = `${request.method} ${request.path}: ${message}`;
  if (name === 'TimeoutError') return { kind: 'timed out', code: 'TIMEOUT', message: told };
  return { kind: 'broken', code: errorCode(error), message: told };
}
