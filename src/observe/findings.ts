/** What a monitor would say of a stage: slow statements, misses of the cache, dead rows, idle indexes, plans that hang by a thread. Pure. */
import { formatBytes, formatCount, formatMs, formatPlural, formatShare } from '../report/format.ts';
import type { RelationSize } from '../result.ts';
import type { PlanStep, StageEvidence, StatementSteps } from './record.ts';

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
/**
 * The q-error of an estimate: by how many times it is too large or too small (Moerkotte, Neumann and Steidl, "Preventing Bad Plans by
 * Bounding the Impact of Cardinality Estimation Errors", 2009). Below ten it seldom changes a plan.
 */
const farError = 10;
/** A plan for one row and one for ten are the same. */
const leastRows = 10;

/** @param relations sizes of the stage's tables before the load */
export function findingsOf(evidence: StageEvidence, relations: readonly RelationSize[]): Finding[] {
  const { plans = [] } = evidence;
  return [
    ...plans.flatMap(slowStatement),
    ...plans.flatMap(farEstimate),
    ...flips(evidence),
    ...cacheMisses(evidence),
    ...deadRows(evidence, relations),
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

/** Only the top of a plan: the server counts what a statement returned, not what its nodes did. */
function farEstimate({ transaction, statement, steps, counted }: StatementSteps): Finding[] {
  const [top] = steps;
  if (top === undefined || top.node === 'ModifyTable' || counted === undefined || counted.calls === 0) return [];
  const [expected, returned] = [top.rows, counted.rows / counted.calls];
  const [less, more] = [Math.min(expected, returned), Math.max(expected, returned)];
  const error = more / Math.max(1, less);
  if (error < farError || more < leastRows) return [];
  return [
    {
      message: `${nameOf(transaction, statement)} returns ${formatCount(Math.round(returned))} rows a call where its plan expects ${formatCount(expected)}.`,
      advice: 'A plan for so many rows less or more may be another: CREATE STATISTICS, or a larger statistics target.',
    },
  ];
}

function flips({ flipped = [] }: StageEvidence): Finding[] {
  return flipped.map(({ transaction, statement, steps }) => ({
    message: `${nameOf(transaction, statement)} is near a flip: with statistics taken anew after the load its plan is another, ${outlineOf(steps)}.`,
    advice:
      'Its figures may hold for one of the two plans only: raise the statistics target, or give it an index that leaves no choice.',
  }));
}

/** 'Limit > Index Scan of events_pkey'. */
function outlineOf(steps: readonly PlanStep[]): string {
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
