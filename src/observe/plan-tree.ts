/** Plans as EXPLAIN (FORMAT JSON) tells them, cut down to what a person compares: nodes, what they read, by which condition. Pure. */
import type { PlanStep } from './record.ts';

/** A node of EXPLAIN's JSON; only what is read here. */
export interface PlanNode {
  'Node Type': string;
  'Plan Rows'?: number;
  'Join Type'?: string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  'Recheck Cond'?: string;
  'Hash Cond'?: string;
  'Merge Cond'?: string;
  'Join Filter'?: string;
  Filter?: string;
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
  const { 'Relation Name': relation, 'Index Name': index } = node;
  const condition = conditionOf(node);
  const own: PlanStep = {
    depth,
    node: nodeName(node),
    rows: node['Plan Rows'] ?? 0,
    ...(relation === undefined ? {} : { relation }),
    ...(index === undefined ? {} : { index }),
    ...(condition === undefined ? {} : { condition }),
  };
  return [own, ...(node.Plans ?? []).flatMap((child) => stepsOf(child, depth + 1))];
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
