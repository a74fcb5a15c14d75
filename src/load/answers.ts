/** What the read transactions of a stage answer, and whether two stages answer alike. */
import { createHash } from 'node:crypto';
import { EnvironmentError, messageOf } from '../errors.ts';
import type { AnswerComparison } from '../result.ts';
import { importScenario } from '../scenario-module.ts';
import type { TransactionSpec } from '../scenario.ts';
import { createCatalog } from '../seed/catalog.ts';
import { canonicalText } from './canonical.ts';
import { errorCode } from './client.ts';
import { ConnectionSet, type PooledConnection } from './connection-set.ts';
import { createDraw } from './draw.ts';
import { planTransactions, stageNamed } from './executor.ts';
import type { DatabaseRoute } from './route.ts';

export interface AnswerOptions extends DatabaseRoute {
  /** Absolute path. */
  scenarioFile: string;
  stage: string;
  seed: number;
  scale: number;
  /** Names; default every read. Writes are not asked: they would change what the next one answers. */
  transactions?: readonly string[];
  /** Default 200. */
  setsPerTransaction?: number;
  /** No further set is begun after this time, per transaction. Default 10 s. */
  budgetMs?: number;
  /** Default 10 s. */
  statementTimeoutMs?: number;
  /** As in LoadSpec. Default true. */
  prepared?: boolean;
  /** Sets asked at the same time. Default 2. */
  concurrency?: number;
  signal?: AbortSignal;
}

/** What one transaction said to one parameter set. An error is an answer too, a timeout is not. */
export type Answer =
  | { status: 'answered'; sha256: string; text: string; parameters: string }
  | { status: 'unanswered'; reason: 'timeout' | 'budget' | 'declined' };

export interface Answers {
  stage: string;
  /** By transaction, then by parameter set; stages share the sets. */
  transactions: Record<string, Answer[]>;
}

// Apart from the blocks of the load, so that parameters of the two never depend on each other.
const answersBlock = 900_000;
const setsBetweenTransactions = 100_000;
const longestText = 300;
const queryCanceled = '57014';
const connectionLost = /^(08|57P0|E[A-Z])/;

/**
 * Runs the read transactions of a stage on the first seeded parameter sets, which are the same for every stage, with the seed's as-of
 * instant for "now".
 *
 * @throws EnvironmentError when the server cannot be reached or goes away
 * @throws the signal's reason when aborted
 */
export async function collectAnswers(options: AnswerOptions): Promise<Answers> {
  const scenario = await importScenario(options.scenarioFile);
  const plan = planTransactions(scenario, stageNamed(scenario, options.stage));
  const { statementTimeoutMs = 10_000, prepared = true, concurrency = 2, seed, scale, signal } = options;
  const catalog = createCatalog(scenario.workload.seed, { seed, scale });
  const now = new Date(scenario.workload.seed.asOf);
  await using set = await ConnectionSet.open(
    { route: options, statementTimeoutMs, prepared, transactions: plan },
    concurrency,
  );
  let terminated: Promise<void> | undefined;
  // The statements in flight fail; `ask` then tells the signal's reason.
  const onAbort = (): void => void (terminated = set.terminate(set.connections).catch(() => {}));
  signal?.addEventListener('abort', onAbort, { once: true });
  const answers: Answers = { stage: options.stage, transactions: {} };
  try {
    for (const [number, [name, spec]] of Object.entries(scenario.workload.transactions).entries()) {
      if (spec.access !== 'read' || options.transactions?.includes(name) === false) continue;
      const draw = (turn: number): unknown =>
        spec.params(
          createDraw(catalog, { seed, block: answersBlock, arrival: number * setsBetweenTransactions + turn, now }),
        );
      answers.transactions[name] = await askAll(options, set.connections, number, spec, draw);
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await terminated;
  }
  return answers;
}

async function askAll(
  { setsPerTransaction = 200, budgetMs = 10_000, signal }: AnswerOptions,
  connections: readonly PooledConnection[],
  transaction: number,
  spec: TransactionSpec,
  draw: (turn: number) => unknown,
): Promise<Answer[]> {
  const answers = Array.from({ length: setsPerTransaction }, (): Answer => ({
    status: 'unanswered',
    reason: 'budget',
  }));
  const deadlineMs = performance.now() + budgetMs;
  let next = 0;
  const askInTurn = async (connection: PooledConnection): Promise<void> => {
    while (next < setsPerTransaction && performance.now() < deadlineMs) {
      signal?.throwIfAborted();
      const turn = next++;
      answers[turn] = await ask(connection, transaction, spec, draw(turn), signal);
    }
  };
  await Promise.all(connections.map(askInTurn));
  return answers;
}

async function ask(
  connection: PooledConnection,
  transaction: number,
  { anyOrder = false }: TransactionSpec,
  params: unknown,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const parameters = canonicalText(params).slice(0, longestText);
  let text: string;
  try {
    text = canonicalText(await connection.run(transaction, params), { anyOrder });
  } catch (error) {
    signal?.throwIfAborted();
    const code = errorCode(error);
    if (code === queryCanceled) return { status: 'unanswered', reason: 'timeout' };
    if (connectionLost.test(code)) {
      throw new EnvironmentError(`The server went away while answers were compared: ${messageOf(error)}`, {
        hint: 'See the log of the server.',
        cause: error,
      });
    }
    text = `error ${code}: ${messageOf(error)}`;
  }
  const sha256 = createHash('sha256').update(text).digest('hex');
  return { status: 'answered', sha256, text: text.slice(0, longestText), parameters };
}

/**
 * Compares the answers of a stage with those of the first, transaction by transaction.
 *
 * @param declared reasons by transaction whose answers may differ (`answersDiffer` of the stage); those are not compared
 */
export function compareAnswers(
  before: Answers,
  after: Answers,
  declared: Readonly<Record<string, string>> = {},
): AnswerComparison[] {
  return Object.entries(before.transactions).map(([transaction, first]) => {
    const comparison: AnswerComparison = { transaction, stage: after.stage, compared: 0, different: 0, unanswered: 0 };
    const reason = declared[transaction];
    if (reason !== undefined) {
      comparison.declared = reason;
      return comparison;
    }
    const second = after.transactions[transaction] ?? [];
    for (const [turn, answer] of first.entries()) compareSet(comparison, answer, second[turn]);
    return comparison;
  });
}

function compareSet(comparison: AnswerComparison, before: Answer, after: Answer | undefined): void {
  if (before.status === 'unanswered' || after === undefined || after.status === 'unanswered') {
    comparison.unanswered++;
    return;
  }
  comparison.compared++;
  if (before.sha256 === after.sha256) return;
  comparison.different++;
  comparison.example ??= { parameters: before.parameters, before: before.text, after: after.text };
}
