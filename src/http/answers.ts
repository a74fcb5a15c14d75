/** What a service answers to the same requests in every stage, asked before any load has changed the data. */
import { createHash } from 'node:crypto';
import { EnvironmentError } from '../errors.ts';
import type { Answer, Answers } from '../load/answers.ts';
import { canonicalText } from '../load/canonical.ts';
import { bodyOf, HttpConnection, type HttpAnswer } from './client.ts';
import { exchange } from './exchange.ts';
import { drawRequest } from './executor.ts';
import type { HttpPlan } from './plan.ts';
import { drawerOf, type Drawer } from './scenario.ts';
import type { Service } from './service.ts';
import type { HttpRequest, RequestSpec } from './spec.ts';

/** Of each kind of read. */
const answerSets = 200;
/** No further request of a kind is sent after this time. */
const answerBudgetMs = 12_000;
const concurrency = 4;
// Apart from the blocks of the load, so that requests of the two never depend on each other.
const answersBlock = 900_000;
const setsBetweenRequests = 100_000;
const longestText = 300;
/** The service declines for now: too many requests, unavailable, no answer from behind it in time (RFC 6585, section 4; RFC 9110, section 15.6). */
const declining = new Set([429, 503, 504]);

/**
 * Asks the reads of a scenario, each with the same parameter sets in every stage.
 *
 * @throws EnvironmentError when the service dies
 * @throws the signal's reason when aborted
 */
export async function collectHttpAnswers(
  plan: HttpPlan,
  stage: string,
  service: Service,
  signal: AbortSignal | undefined,
): Promise<Answers> {
  await using resources = new AsyncDisposableStack();
  const connections = Array.from({ length: concurrency }, () =>
    resources.use(new HttpConnection(service.origin, plan.load.statementTimeoutMs)),
  );
  const drawer = drawerOf(plan.scenario, plan);
  const answers: Answers = { stage, transactions: {} };
  for (const [number, [name, spec]] of Object.entries(plan.scenario.http.requests).entries()) {
    if (spec.access !== 'read') continue;
    const draw = (turn: number): HttpRequest => drawOne(name, spec, drawer, number * setsBetweenRequests + turn);
    answers.transactions[name] = await askAll(spec, draw, connections, { service, signal });
  }
  return answers;
}

function drawOne(name: string, spec: RequestSpec, drawer: Drawer, arrival: number): HttpRequest {
  return drawRequest(name, spec, drawer, answersBlock, arrival, 0);
}

async function askAll(
  spec: RequestSpec,
  draw: (turn: number) => HttpRequest,
  connections: readonly HttpConnection[],
  { service, signal }: { service: Service; signal: AbortSignal | undefined },
): Promise<Answer[]> {
  const answers = Array.from({ length: answerSets }, (): Answer => ({ status: 'unanswered', reason: 'budget' }));
  const deadlineMs = performance.now() + answerBudgetMs;
  let next = 0;
  const askInTurn = async (connection: HttpConnection): Promise<void> => {
    while (next < answerSets && performance.now() < deadlineMs) {
      signal?.throwIfAborted();
      service.died.throwIfAborted();
      const turn = next++;
      answers[turn] = await ask(spec, draw(turn), connection);
    }
  };
  await Promise.all(connections.map(askInTurn));
  return answers;
}

async function ask(spec: RequestSpec, request: HttpRequest, connection: HttpConnection): Promise<Answer> {
  const { answers, fault } = await exchange(connection, spec, request);
  if (fault?.kind === 'timed out') return { status: 'unanswered', reason: 'timeout' };
  if (fault?.kind === 'broken') {
    throw new EnvironmentError(`The service went away while answers were compared: ${fault.message}`, {
      hint: 'See what it printed, and whether it still runs.',
    });
  }
  if (fault !== undefined && answers.some(({ status }) => declining.has(status))) {
    return { status: 'unanswered', reason: 'declined' };
  }
  // A wrong answer is an answer too: whether stages give the same one is the question here.
  const text = answers.map((answer) => answerText(spec, answer)).join(' ');
  const sha256 = createHash('sha256').update(text).digest('hex');
  const { method, path, headers, body } = request;
  const parameters = JSON.stringify({ method, path, headers, body }).slice(0, longestText);
  return { status: 'answered', sha256, text: text.slice(0, longestText), parameters };
}

/** Status and body; the order of keys does not matter. A part that cannot be taken is an answer too. */
export function answerText({ compared = (body) => body }: Pick<RequestSpec, 'compared'>, answer: HttpAnswer): string {
  const body = bodyOf(answer);
  try {
    return `${answer.status} ${canonicalText(compared(body))}`;
  } catch {
    return `${answer.status} ${canonicalText(body)}`;
  }
}
