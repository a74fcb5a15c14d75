/**
 * What an index costs the writers of its table, by experiment: the load's own writes are carried out after it, with the index and without
 * it, and taken back. DROP INDEX can be taken back too (PostgreSQL manual, 13.3.3: it waits for nobody once the load is over).
 */
import type { Client } from 'pg';
import { withClient } from '../database.ts';
import { explainStatements, type ExplainedStatement } from '../load/explain.ts';
import { drawParameters, type ParameterGroup } from '../load/parameter-sets.ts';
import type { MeasureOrder } from './measured-plans.ts';
import type { PlanNode } from './plan-tree.ts';
import type { IndexPrice } from './record.ts';
import { median } from '../stats/median.ts';

/** Sets of each transaction, or of each class of its parameters. */
const setsPerClass = 20;
/** For all indexes. */
const budgetMs = 15_000;
/** An index that somebody else holds is left alone. */
const lockTimeoutMs = 1000;

/** One statement that was carried out once. */
export interface Write {
  statement: string;
  /** Tables that it writes to, as "schema.table". */
  tables: string[];
  walBytes: number;
  fullPageImages: number;
  executionUs: number;
}

/** The statements of one set of parameters; undefined where one failed. */
export type WritesOfSet = Write[] | undefined;

/**
 * Indexes that cannot be dropped, or that writes cannot do without, have no price.
 *
 * @param indexes names as SQL has them
 * @throws what `pg` throws when the server cannot be reached
 */
export async function priceIndexes(order: MeasureOrder, indexes: readonly string[]): Promise<IndexPrice[]> {
  if (indexes.length === 0) return [];
  const groups = await drawParameters(order, 'write', setsPerClass);
  return withClient(order.connection, async (client) => {
    await client.query("SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false)", [
      String(order.statementTimeoutMs),
      String(lockTimeoutMs),
    ]);
    const untilMs = performance.now() + budgetMs;
    // The first write to a page since the last checkpoint writes the whole page into the log, whatever indexes there are.
    await carryOut(client, order, groups);
    const prices: IndexPrice[] = [];
    for (const index of indexes) {
      if (performance.now() > untilMs || order.signal?.aborted === true) break;
      const table = await tableOf(client, index);
      const having = await carryOut(client, order, groups);
      const lacking = await carryOut(client, order, groups, index).catch(() => []);
      prices.push(...priceOf(index, table, having, lacking));
    }
    return prices;
  });
}

async function tableOf(client: Client, index: string): Promise<string> {
  const { rows } = await client.query<{ table: string }>(
    `SELECT n.nspname || '.' || c.relname AS table
       FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE i.indexrelid = $1::regclass`,
    [index],
  );
  return rows[0]!.table;
}

/** Each set by itself, so that none sees what another wrote. */
async function carryOut(
  client: Client,
  { transactions }: MeasureOrder,
  groups: readonly ParameterGroup[],
  without?: string,
): Promise<WritesOfSet[]> {
  await client.query('BEGIN');
  try {
    if (without !== undefined) await client.query(`DROP INDEX ${without}`);
    const found: WritesOfSet[] = [];
    for (const { transaction, sets } of groups) {
      for (const params of sets) {
        await client.query('SAVEPOINT parameters');
        const explained = await explainStatements(client, transactions[transaction]!.body, params).catch(
          () => undefined,
        );
        await client.query('ROLLBACK TO parameters');
        found.push(explained?.map(writeOf));
      }
    }
    return found;
  } finally {
    await client.query('ROLLBACK');
  }
}

function writeOf({ statement, Plan, 'Execution Time': executionMs }: ExplainedStatement): Write {
  return {
    statement,
    tables: nodesOf(Plan)
      .filter((node) => node['Node Type'] === 'ModifyTable')
      .map((node) => `${node.Schema}.${node['Relation Name']}`),
    walBytes: Plan['WAL Bytes'] ?? 0,
    fullPageImages: Plan['WAL FPI'] ?? 0,
    executionUs: executionMs * 1000,
  };
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/**
 * From the same writes with the index and without it, in the same order; none where nothing can be compared. Pure.
 *
 * @param table as "schema.table"
 */
export function priceOf(
  index: string,
  table: string,
  having: readonly WritesOfSet[],
  lacking: readonly WritesOfSet[],
): IndexPrice[] {
  const pairs = having.flatMap((own, set) => pairsOf(own, lacking[set])).filter(([own]) => own.tables.includes(table));
  const plain = pairs.filter(([own, other]) => own.fullPageImages === 0 && other.fullPageImages === 0);
  if (plain.length === 0) return [];
  const walBytes = plain.reduce((sum, [own, other]) => sum + own.walBytes - other.walBytes, 0) / plain.length;
  const executionUs = median(plain.map(([own, other]) => own.executionUs - other.executionUs));
  return [{ index, writes: plain.length, walBytes, executionUs }];
}

/** None where the set took another way without the index. */
function pairsOf(own: WritesOfSet, other: WritesOfSet): [Write, Write][] {
  if (own === undefined || other === undefined) return [];
  const names = (writes: readonly Write[]): string => JSON.stringify(writes.map(({ statement }) => statement));
  return names(own) === names(other) ? own.map((write, at) => [write, other[at]!]) : [];
}
