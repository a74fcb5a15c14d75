/** One arrival from its first request to its last answer. */
import { messageOf } from '../errors.ts';
import { bodyOf, faultOf, transportError, wrong, type HttpAnswer, type RequestError } from './client.ts';
import type { HttpRequest, RequestSpec } from './spec.ts';

/** What an exchange needs of a connection. */
export interface Asked {
  ask(request: HttpRequest): Promise<HttpAnswer>;
}

export interface Exchange {
  /** Whole answers, in their order. */
  answers: HttpAnswer[];
  /** What ended it before its time; absent when all answers were right. */
  fault?: RequestError;
}

/** Sends a request and, as long as the answers are right, the one that follows from each. Nothing is sent twice. Never rejects. */
export async function exchange(
  connection: Asked,
  spec: Pick<RequestSpec, 'check' | 'maxStaleMs'>,
  first: HttpRequest,
): Promise<Exchange> {
  const answers: HttpAnswer[] = [];
  let request: HttpRequest | undefined = first;
  while (request !== undefined) {
    const step: Step = await send(connection, spec, request);
    if (step.answer !== undefined) answers.push(step.answer);
    if (step.fault !== undefined) return { answers, fault: step.fault };
    request = step.next;
  }
  return { answers };
}

interface Step {
  answer?: HttpAnswer;
  fault?: RequestError;
  next?: HttpRequest;
}

async function send(
  connection: Asked,
  spec: Pick<RequestSpec, 'check' | 'maxStaleMs'>,
  request: HttpRequest,
): Promise<Step> {
  let answer: HttpAnswer;
  try {
    answer = await connection.ask(request);
  } catch (error) {
    return { fault: transportError(error, request) };
  }
  const fault = faultOf(spec, request, answer);
  if (fault !== undefined) return { answer, fault };
  try {
    const next = request.next?.(bodyOf(answer));
    return next === undefined ? { answer } : { answer, next };
  } catch (error) {
    // It found in the answer no ground for the request that was to follow.
    return { answer, fault: wrong(`${request.method} ${request.path}: ${messageOf(error)}`) };
  }
}
