/** Why a transaction got faster or slower: what the server reads for it in another way than before. Pure. */
import { outlineOf } from '../observe/plan-tree.ts';
import type { PlanStep, StageEvidence, StatementSteps, TransactionCost } from '../observe/record.ts';

/** How one relation is read. */
export interface Access {
  relation: string;
  /** "sequential scan", "index events_pkey", "index only, events_pkey", "bitmap of a_idx, b_idx". */
  way: string;
}

/** A statement that the server carries out in another way than before; one that only one of the stages sends has one plan. */
export interface PlanChange {
  transaction: string;
  statement: string;
  before?: readonly PlanStep[];
  after?: readonly PlanStep[];
}

/** What changed for one transaction from one stage to another. */
export interface Reason {
  transaction: string;
  costBefore?: TransactionCost;
  costAfter?: TransactionCost;
  /** What was read before and is not any more, and the other way round. */
  dropped: Access[];
  gained: Access[];
}

/** One for each transaction that either stage knows, in their order. */
export function reasonsOf(before: StageEvidence, after: StageEvidence): Reason[] {
  const plans = [...(before.plans ?? []), ...(after.plans ?? [])];
  const names = [...(before.costs ?? []), ...(after.costs ?? []), ...plans].map(({ transaction }) => transaction);
  return [...new Set(names)].map((transaction) => {
    const [had, has] = [accessOf(before.plans, transaction), accessOf(after.plans, transaction)];
    const costBefore = costOf(before, transaction);
    const costAfter = costOf(after, transaction);
    return {
      transaction,
      ...(costBefore === undefined ? {} : { costBefore }),
      ...(costAfter === undefined ? {} : { costAfter }),
      dropped: without(had, has),
      gained: without(has, had),
    };
  });
}

/** Statements whose plans differ, by their nodes and what these read; what the planner expects of rows does not count. */
export function planChanges(before: StageEvidence, after: StageEvidence): PlanChange[] {
  const [had, has] = [byName(before.plans), byName(after.plans)];
  return [...new Set([...had.keys(), ...has.keys()])].flatMap((key) => {
    const [first, last] = [had.get(key), has.get(key)];
    if (first && last && outlineOf(first.steps) === outlineOf(last.steps)) return [];
    const { transaction, statement } = (last ?? first)!;
    return [{ transaction, statement, ...(first && { before: first.steps }), ...(last && { after: last.steps }) }];
  });
}

/** Distinct ways in which a plan reads relations, from the top. Bitmaps are told with the heap that they are for. */
export function accessesOf(steps: readonly PlanStep[]): Access[] {
  const found = steps.flatMap((step, at) => {
    if (step.relation === undefined || step.node === 'ModifyTable') return [];
    return [{ relation: step.relation, way: wayOf(step, steps.slice(at + 1)) }];
  });
  return without(found, []);
}

function wayOf({ node, index, depth }: PlanStep, following: readonly PlanStep[]): string {
  if (node.startsWith('Seq Scan')) return 'sequential scan';
  if (node.startsWith('Index Only Scan')) return `index only, ${index}`;
  if (node.startsWith('Index Scan')) return `index ${index}`;
  if (!node.startsWith('Bitmap Heap Scan')) return node.toLowerCase();
  const end = following.findIndex((step) => step.depth <= depth);
  const below = end < 0 ? following : following.slice(0, end);
  return `bitmap of ${below.flatMap((step) => step.index ?? []).join(', ')}`;
}

function accessOf(plans: readonly StatementSteps[] = [], transaction: string): Access[] {
  return plans.filter((plan) => plan.transaction === transaction).flatMap(({ steps }) => accessesOf(steps));
}

/** Distinct ones of the first list that the second does not have. */
function without(list: readonly Access[], others: readonly Access[]): Access[] {
  const key = ({ relation, way }: Access): string => JSON.stringify([relation, way]);
  const skip = new Set(others.map(key));
  return [...new Map(list.map((access) => [key(access), access])).values()].filter((access) => !skip.has(key(access)));
}

function costOf({ costs = [] }: StageEvidence, transaction: string): TransactionCost | undefined {
  return costs.find((cost) => cost.transaction === transaction);
}

function byName(plans: readonly StatementSteps[] = []): Map<string, StatementSteps> {
  return new Map(plans.map((plan) => [JSON.stringify([plan.transaction, plan.statement]), plan]));
}
