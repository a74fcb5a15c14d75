/** What the reads of a load really do, node by node: each is carried out after it with parameters that the server knows. */
import { withClient } from '../database.ts';
import type { PlannedTransaction } from '../load/client.ts';
import { explainTransaction, type ExplainedStatement } from '../load/explain.ts';
import { drawParameters, type ParameterGroup, type ParameterOrder } from '../load/parameter-sets.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { measuredStepsOf, outlineOf } from './plan-tree.ts';
import type { MeasuredPlan, MeasuredStatement, MeasuredStep } from './record.ts';

export interface MeasureOrder extends ParameterOrder {
  connection: ConnectionTarget;
  /** By number, as in the schedule. */
  transactions: readonly PlannedTransaction[];
  statementTimeoutMs: number;
  signal?: AbortSignal;
}

/** One statement, carried out once. */
export interface Execution {
  transaction: string;
  class?: string;
  statement: string;
  steps: MeasuredStep[];
}

/** Sets of each transaction, or of each class of its parameters: a plan that depends on them shows by then. */
const setsPerClass = 5;
/** For all of them. Slow stages get through fewer sets. */
const budgetMs = 10_000;

/**
 * Goes round the transactions until every set had its turn or the time is over. A set that fails or times out is the last of its
 * transaction and class.
 *
 * @throws what `pg` throws when the server cannot be reached
 */
export async function measurePlans(order: MeasureOrder): Promise<MeasuredStatement[]> {
  const turns = inTurns(await drawParameters(order, 'read', setsPerClass));
  return withClient(order.connection, async (client) => {
    await client.query("SELECT set_config('statement_timeout', $1, false)", [String(order.statementTimeoutMs)]);
    const untilMs = performance.now() + budgetMs;
    const ended = new Set<ParameterGroup>();
    const executions: Execution[] = [];
    for (const { group, params } of turns) {
      if (performance.now() > untilMs || order.signal?.aborted === true) break;
      if (ended.has(group)) continue;
      const { body } = order.transactions[group.transaction]!;
      const explained = await explainTransaction(client, body, params).catch(() => undefined);
      if (explained === undefined) ended.add(group);
      else executions.push(...explained.map((own) => executionOf(group, own)));
    }
    return summarisePlans(executions);
  });
}

/** The first set of each, then the second of each. */
function inTurns(groups: readonly ParameterGroup[]): { group: ParameterGroup; params: unknown }[] {
  return Array.from({ length: setsPerClass }, (_, turn) =>
    groups.filter(({ sets }) => turn < sets.length).map((group) => ({ group, params: group.sets[turn] })),
  ).flat();
}

function executionOf(group: ParameterGroup, { statement, Plan }: ExplainedStatement): Execution {
  return {
    transaction: group.name,
    ...(group.class === undefined ? {} : { class: group.class }),
    statement,
    steps: measuredStepsOf(Plan),
  };
}

/** Executions with the same nodes are one plan, with the means of what they did. Pure. */
export function summarisePlans(executions: readonly Execution[]): MeasuredStatement[] {
  const byStatement = Map.groupBy(executions, ({ transaction, statement }) => JSON.stringify([transaction, statement]));
  return [...byStatement.values()].map((own) => {
    const { transaction, statement } = own[0]!;
    const plans = [...Map.groupBy(own, ({ steps }) => outlineOf(steps)).values()].map(summarisePlan);
    return { transaction, statement, plans: plans.toSorted((a, b) => b.executions - a.executions) };
  });
}

function summarisePlan(same: readonly Execution[]): MeasuredPlan {
  const classes = [...new Set(same.flatMap((own) => own.class ?? []))].toSorted();
  const mean = (at: number, key: 'rows' | 'actualRows' | 'loops' | 'blocks'): number =>
    same.reduce((sum, { steps }) => sum + steps[at]![key], 0) / same.length;
  return {
    executions: same.length,
    ...(classes.length === 0 ? {} : { classes }),
    steps: same[0]!.steps.map((step, at) => ({
      ...step,
      rows: mean(at, 'rows'),
      actualRows: mean(at, 'actualRows'),
      loops: mean(at, 'loops'),
      blocks: mean(at, 'blocks'),
    })),
  };
}
