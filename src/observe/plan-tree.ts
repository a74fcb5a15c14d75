/** Plans as EXPLAIN (FORMAT JSON) tells them, cut down to what a person compares: nodes, what they read, by which condition. Pure. */
import type { MeasuredStep, PlanStep } from './record.ts';

/** A node of EXPLAIN's JSON; only what is read here. */
export interface PlanNode {
  'Node Type': string;
  'Plan Rows'?: number;
  'Join Type'?: string;
  /** VERBOSE. */
  Schema?: string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  'Recheck Cond'?: string;
  'Hash Cond'?: string;
  'Merge Cond'?: string;
  'Join Filter'?: string;
  Filter?: string;
  /** Of EXPLAIN ANALYZE: rows of each loop, on average. */
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  /** WAL; full-page images are part of the bytes. */
  'WAL FPI'?: number;
  'WAL Bytes'?: number;
  Plans?: PlanNode[];
}

/** "Limit > Index Scan(events_pkey)": children of one node in parentheses where there are several. */
export function shapeOf(node: PlanNode): string {
  const place = node['Index Name'] ?? node['Relation Name'];
  const own = place === undefined ? node['Node Type'] : `${node['Node Type']}(${place})`;
  const children = (node.Plans ?? []).map(shapeOf);
  if (children.length === 0) return own;
  return `${own} > ${children.length === 1 ? children[0] : `[${children.join(', ')}]`}`;
}

/** The nodes from the top, each before its children. */
export function stepsOf(node: PlanNode, depth = 0): PlanStep[] {
  return [stepOf(node, depth), ...(node.Plans ?? []).flatMap((child) => stepsOf(child, depth + 1))];
}

/** The same, of a plan that was carried out (EXPLAIN ANALYZE, BUFFERS). */
export function measuredStepsOf(node: PlanNode, depth = 0): MeasuredStep[] {
  const own: MeasuredStep = {
    ...stepOf(node, depth),
    actualRows: node['Actual Rows'] ?? 0,
    loops: node['Actual Loops'] ?? 0,
    blocks: (node['Shared Hit Blocks'] ?? 0) + (node['Shared Read Blocks'] ?? 0),
  };
  return [own, ...(node.Plans ?? []).flatMap((child) => measuredStepsOf(child, depth + 1))];
}

/** Nodes and what they read: plans with the same outline are the same plan, whatever the planner expects of rows. */
export function outlineOf(steps: readonly PlanStep[]): string {
  return JSON.stringify(steps.map(({ depth, node, relation, index }) => [depth, node, relation, index]));
}

function stepOf(node: PlanNode, depth: number): PlanStep {
  const { 'Relation Name': relation, 'Index Name': index } = node;
  const condition = conditionOf(node);
  return {
    depth,
    node: nodeName(node),
    rows: node['Plan Rows'] ?? 0,
    ...(relation === undefined ? {} : { relation }),
    ...(index === undefined ? {} : { index }),
    ...(condition === undefined ? {} : { condition }),
  };
}

/** Inner joins are what a join is unless it says otherwise. */
function nodeName({ 'Node Type': type, 'Join Type': join }: PlanNode): string {
  return join === undefined || join === 'Inner' ? type : `${type} (${join.toLowerCase()})`;
}

/** What finds the rows, else what sorts them out. */
function conditionOf(node: PlanNode): string | undefined {
  const found = node['Index Cond'] ?? node['Hash Cond'] ?? node['Merge Cond'] ?? node['Join Filter'];
  return found ?? node['Recheck Cond'] ?? node.Filter;
}
