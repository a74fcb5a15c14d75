/** What can be compared of a server before and after a migration: files of tables and indexes, reads of whole tables, dead rows, plans. */
import { withClient } from '../database.ts';
import type { PlannedTransaction } from '../load/client.ts';
import { recogniseStatements } from '../observe/statements.ts';
import type { ConnectionTarget } from '../server/server.ts';
import type { ServerEvidence } from './record.ts';

/** A table or index. */
export interface RelationState {
  oid: number;
  name: string;
  /** Number of its file: another one after it was written anew. */
  filenode: number;
  bytes: number;
  /** Reads of the whole table so far, and rows that are dead; zero for indexes. */
  wholeReads: number;
  deadRows: number;
}

/** A statement of the load, and the shape of its generic plan. */
export interface StatementPlan {
  transaction: string;
  statement: string;
  shape: string;
}

// pg_relation_filenode, since pg_class.relfilenode is 0 for mapped relations (PostgreSQL documentation: "Database Object Management Functions").
const relations = `
  SELECT c.oid::int8::float8 AS oid, c.oid::regclass::text AS name,
         pg_relation_filenode(c.oid)::int8::float8 AS filenode, pg_relation_size(c.oid)::float8 AS bytes,
         coalesce(s.seq_scan, 0)::float8 AS "wholeReads", coalesce(s.n_dead_tup, 0)::float8 AS "deadRows"
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
   WHERE c.relkind IN ('r', 'i', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pgrehearse')
     AND n.nspname NOT LIKE 'pg_toast%'`;

export async function readRelations(connection: ConnectionTarget): Promise<RelationState[]> {
  return withClient(connection, async (client) => (await client.query<RelationState>(relations)).rows);
}

/** Plans of what the transactions do; statements that the schema does not have (any more) are left out. */
export async function readPlans(
  connection: ConnectionTarget,
  transactions: readonly PlannedTransaction[],
): Promise<StatementPlan[]> {
  const found = await recogniseStatements(connection, transactions);
  return found.map(({ transaction, statement, shape }) => ({ transaction, statement, shape }));
}

/** Looks at the relations of a repeat: before its load, when the migration began, and when the load had recovered from it. */
export interface RelationHistory {
  atStart: readonly RelationState[];
  before: readonly RelationState[];
  after: readonly RelationState[];
}

/** Less growth of dead rows is what any load leaves. */
const worthDeadRows = 1000;

/** What a migration did to tables and indexes. Those that it made or dropped are not told. */
export function changedRelations({
  atStart,
  before,
  after,
}: RelationHistory): Pick<ServerEvidence, 'rewritten' | 'readWhole' | 'deadRows'> {
  const [started, begun] = [byOid(atStart), byOid(before)];
  const known = after.flatMap((now) => {
    const old = begun.get(now.oid);
    return old === undefined
      ? []
      : [{ now, old, usualReads: old.wholeReads - (started.get(now.oid)?.wholeReads ?? 0) }];
  });
  return {
    rewritten: known.filter(({ now, old }) => now.filenode !== old.filenode).map(({ now }) => now.name),
    // Where the load itself reads the table as a whole, nobody can tell whose reads they are.
    readWhole: known
      .filter(({ now, old, usualReads }) => usualReads === 0 && now.wholeReads > old.wholeReads)
      .map(({ now: { name, bytes } }) => ({ table: name, bytes })),
    deadRows: known
      .filter(({ now, old }) => now.deadRows - old.deadRows >= worthDeadRows)
      .map(({ now, old }) => ({ table: now.name, before: old.deadRows, after: now.deadRows })),
  };
}

function byOid(relations: readonly RelationState[]): Map<number, RelationState> {
  return new Map(relations.map((relation) => [relation.oid, relation]));
}

/** Statements whose plan is another than before, or that cannot be planned any more. */
export function changedPlans(
  before: readonly StatementPlan[],
  after: readonly StatementPlan[],
): ServerEvidence['plans'] {
  return before.flatMap(({ transaction, statement, shape }) => {
    const now = after.find((plan) => plan.transaction === transaction && plan.statement === statement)?.shape;
    if (now === shape) return [];
    return [{ transaction, statement, before: shape, ...(now === undefined ? {} : { after: now }) }];
  });
}
