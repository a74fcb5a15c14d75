/** What a monitor would say of a stage: slow statements, misses of the cache, dead rows, idle indexes, plans that hang by a thread. Pure. */
import { formatBytes, formatCount, formatMs, formatPlural, formatShare } from '../report/format.ts';
import type { RelationSize } from '../result.ts';
import type { MeasuredStatement, MeasuredStep, PlanStep, StageEvidence, StatementSteps } from './record.ts';

/** Something to look at, with the next step. */
export interface Finding {
  message: string;
  advice: string;
}

/** Mean time of a statement on the server above which the source documents list it. */
const slowMs = 50;
const usualCacheShare = 0.99;
/** Fewer blocks than this say nothing about a share. */
const leastBlocks = 10_000;
/** Autovacuum comes at a fifth of the rows by default (PostgreSQL manual, 19.10). */
const deadShare = 0.2;
const leastDeadRows = 1000;
/** Of a table, free or dead; a fill factor of 70 is the lowest that people choose for tables that are updated. */
const emptyShare = 0.35;
const leastEmptyBytes = 8 * 2 ** 20;
/**
 * The q-error of an estimate: by how many times it is too large or too small (Moerkotte, Neumann and Steidl, "Preventing Bad Plans by
 * Bounding the Impact of Cardinality Estimation Errors", 2009). Below ten it seldom changes a plan.
 */
const farError = 10;
/** A plan for one row and one for ten are the same. */
const leastRows = 10;
/** Fewer blocks are no matter, whatever the plan. */
const leastPlanBlocks = 100;

/** @param relations sizes of the stage's tables before the load */
export function findingsOf(evidence: StageEvidence, relations: readonly RelationSize[]): Finding[] {
  const { plans = [] } = evidence;
  return [
    ...plans.flatMap(slowStatement),
    ...farEstimates(evidence),
    ...unlikePlans(evidence),
    ...flips(evidence),
    ...cacheMisses(evidence),
    ...deadRows(evidence, relations),
    ...emptySpace(evidence, relations),
    ...idleIndexes(evidence),
  ];
}

function slowStatement({ transaction, statement, counted }: StatementSteps): Finding[] {
  const meanMs = counted === undefined || counted.calls === 0 ? 0 : counted.executionMs / counted.calls;
  if (meanMs <= slowMs) return [];
  return [
    {
      message: `${nameOf(transaction, statement)} takes ${formatMs(meanMs)} on the server on average; ${formatMs(slowMs)} is much for one statement.`,
      advice: 'Its plan is below: look for what it reads that it does not return.',
    },
  ];
}

/** By the nodes of what was carried out with known parameters; of other statements by what the server counted. */
function farEstimates({ plans = [], measured = [] }: StageEvidence): Finding[] {
  const known = new Set(measured.map(({ transaction, statement }) => nameOf(transaction, statement)));
  const others = plans.filter(({ transaction, statement }) => !known.has(nameOf(transaction, statement)));
  return [...measured.flatMap(farNode), ...others.flatMap(farTop)];
}

function farNode({ transaction, statement, plans }: MeasuredStatement): Finding[] {
  const found = plans.flatMap(({ steps }) => lowestFar(steps) ?? [])[0];
  if (found === undefined) return [];
  const { node, relation, index, rows, actualRows } = found;
  const place = index ?? relation;
  return [
    {
      message:
        `${nameOf(transaction, statement)} finds ${formatCount(Math.round(actualRows))} rows in ${node}${place === undefined ? '' : ` of ${place}`} ` +
        `where its plan expects ${formatCount(Math.round(rows))}, for parameters that the planner knew.`,
      advice: estimateAdvice,
    },
  ];
}

/** The error begins at the lowest node that has it. What is stopped early says nothing of how many rows there would have been. */
function lowestFar(steps: readonly MeasuredStep[]): MeasuredStep | undefined {
  const far = steps.filter(
    (step, at) => step.loops > 0 && isFar(step.rows, step.actualRows) && !stoppedEarly(steps.slice(0, at), step.depth),
  );
  return far.toSorted((a, b) => b.depth - a.depth)[0];
}

/** @param above the nodes before this one; those of lesser depth, seen from the end, are its ancestors */
function stoppedEarly(above: readonly PlanStep[], ownDepth: number): boolean {
  let depth = ownDepth;
  for (const { depth: other, node } of above.toReversed()) {
    if (other >= depth) continue;
    if (node === 'Limit' || /^Merge Join|\((semi|anti)\)|^SubPlan|^Memoize/.test(node)) return true;
    depth = other;
  }
  return false;
}

function isFar(expected: number, found: number): boolean {
  const [less, more] = [Math.min(expected, found), Math.max(expected, found)];
  return more >= leastRows && more / Math.max(1, less) >= farError;
}

const estimateAdvice =
  'A plan for so many rows less or more may be another: CREATE STATISTICS, or a larger statistics target.';

/** Only the top of a plan: the server counts what a statement returned, not what its nodes did. */
function farTop({ transaction, statement, steps, counted }: StatementSteps): Finding[] {
  const [top] = steps;
  if (top === undefined || top.node === 'ModifyTable' || counted === undefined || counted.calls === 0) return [];
  const returned = counted.rows / counted.calls;
  if (!isFar(top.rows, returned)) return [];
  return [
    {
      message: `${nameOf(transaction, statement)} returns ${formatCount(Math.round(returned))} rows a call where its plan expects ${formatCount(top.rows)}.`,
      advice: estimateAdvice,
    },
  ];
}

/** The blocks of a plan are those of its top. */
function unlikePlans({ measured = [] }: StageEvidence): Finding[] {
  return measured.flatMap(({ transaction, statement, plans }) => {
    const blocks = plans.map(({ steps }) => steps[0]?.blocks ?? 0);
    const [least, most] = [Math.min(...blocks), Math.max(...blocks)];
    if (plans.length < 2 || most < leastPlanBlocks || most < farError * Math.max(1, least)) return [];
    return [
      {
        message:
          `${nameOf(transaction, statement)} has ${formatPlural(plans.length, 'plan')} for the parameters of the load: ` +
          `one reads ${formatCount(Math.round(most))} blocks, another ${formatCount(Math.round(least))}.`,
        advice:
          'Where such a statement is planned once for all parameters, all get one of these plans: plan_cache_mode = force_custom_plan for it, or two statements.',
      },
    ];
  });
}

function flips({ flipped = [] }: StageEvidence): Finding[] {
  return flipped.map(({ transaction, statement, steps }) => ({
    message: `${nameOf(transaction, statement)} is near a flip: with statistics taken anew after the load its plan is another, ${inALine(steps)}.`,
    advice:
      'Its figures may hold for one of the two plans only: raise the statistics target, or give it an index that leaves no choice.',
  }));
}

/** 'Limit > Index Scan of events_pkey'. */
function inALine(steps: readonly PlanStep[]): string {
  return steps
    .map(({ node, index, relation }) => ((index ?? relation) === undefined ? node : `${node} of ${index ?? relation}`))
    .join(' > ');
}

function cacheMisses({ database: { blocksHit, blocksRead } }: StageEvidence): Finding[] {
  const all = blocksHit + blocksRead;
  if (all < leastBlocks || blocksHit / all >= usualCacheShare) return [];
  return [
    {
      message: `${formatShare(blocksHit / all)} of the blocks were found in the cache; ${formatShare(usualCacheShare)} is usual.`,
      advice: 'Read fewer blocks first (those of each transaction are above), then give shared_buffers more.',
    },
  ];
}

function deadRows({ tables }: StageEvidence, relations: readonly RelationSize[]): Finding[] {
  const rowsOf = new Map(relations.map(({ table, rows }) => [table, rows]));
  return tables.flatMap(({ table, deadRows: dead }) => {
    const rows = rowsOf.get(table);
    if (rows === undefined || dead < leastDeadRows || dead < deadShare * rows) return [];
    return [
      {
        message: `${table} has ${formatCount(dead)} dead rows after the load, beside ${formatCount(rows)} that it began with.`,
        advice: 'Let autovacuum come to it earlier: autovacuum_vacuum_scale_factor of this table.',
      },
    ];
  });
}

/** What a backfill or a mass delete leaves: VACUUM makes it free, and only a rewrite gives it back. */
function emptySpace({ tables }: StageEvidence, relations: readonly RelationSize[]): Finding[] {
  const bytesOf = new Map(relations.map(({ table, heapBytes }) => [table, heapBytes]));
  return tables.flatMap(({ table, freeShare = 0, deadShare: dead = 0 }) => {
    const bytes = bytesOf.get(table) ?? 0;
    if (bytes < leastEmptyBytes || freeShare + dead < emptyShare) return [];
    return [
      {
        message: `${formatShare(freeShare + dead)} of ${table} (${formatBytes(bytes)}) is free space or dead rows.`,
        advice:
          'Whoever changes all rows does so in small batches, with VACUUM between them, so that the space is used again; VACUUM FULL or pg_repack give it back.',
      },
    ];
  });
}

function idleIndexes({ indexes }: StageEvidence): Finding[] {
  const idle = indexes.filter(({ scans, constraint }) => scans === 0 && !constraint);
  if (idle.length === 0) return [];
  const bytes = idle.reduce((total, own) => total + own.bytes, 0);
  return [
    {
      message: `${formatPlural(idle.length, 'index', 'indexes')} of ${formatBytes(bytes)} went unread.`,
      advice: 'They are listed below. Drop those that nothing else reads either: every write pays for them.',
    },
  ];
}

function nameOf(transaction: string, statement: string): string {
  return `${transaction}.${statement}`;
}
