/**
 * What the server did for each transaction (pg_stat_statements) and how it carries each statement out (EXPLAIN).
 *
 * A statement is recognised by its query identifier, which the server computes from the parsed query: the one that EXPLAIN
 * VERBOSE shows for a prepared statement is the one that pg_stat_statements counts under (PostgreSQL manual, F.32).
 */
import type { Client } from 'pg';
import { withClient } from '../database.ts';
import type { PlannedTransaction } from '../load/client.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { quoteIdentifier } from '../sql.ts';
import { shapeOf, stepsOf, type PlanNode } from './plan-tree.ts';
import type { PlanStep, StatementWork } from './record.ts';

/** One statement of a transaction as the server sees it. */
export interface RecognisedStatement {
  transaction: string;
  statement: string;
  /** Decimal digits of a signed 64-bit number. */
  queryId: string;
  /** Nodes of the generic plan from the top, with their relations and indexes: in a line, and one by one. */
  shape: string;
  steps: PlanStep[];
}

/** Plans every statement of the transactions, without carrying it out. Statements that cannot be planned so are left out. */
export async function recogniseStatements(
  connection: ConnectionTarget,
  transactions: readonly PlannedTransaction[],
): Promise<RecognisedStatement[]> {
  return withClient(connection, async (client) => {
    // Parameters need no values then, and what the plan looks like does not depend on them.
    await client.query('SET plan_cache_mode = force_generic_plan');
    const found: RecognisedStatement[] = [];
    for (const { name, body } of transactions) {
      for (const [statement, text] of Object.entries(body.statements)) {
        const plan = await explainGeneric(client, text).catch(() => undefined);
        if (plan === undefined) continue;
        const { Plan: top, 'Query Identifier': queryId } = plan;
        found.push({ transaction: name, statement, queryId, shape: shapeOf(top), steps: stepsOf(top) });
      }
    }
    return found;
  });
}

/**
 * Plans the statements again with statistics of another sample of the rows, of all tables. What is planned in another way now was near a
 * flip. Undefined where statistics cannot be taken, as on a replica.
 */
export async function replan(
  connection: ConnectionTarget,
  transactions: readonly PlannedTransaction[],
): Promise<RecognisedStatement[] | undefined> {
  const taken = await withClient(connection, (client) =>
    client.query('ANALYZE').then(
      () => true,
      () => false,
    ),
  );
  return taken ? recogniseStatements(connection, transactions) : undefined;
}

interface Explained {
  Plan: PlanNode;
  'Query Identifier': string;
}

const planName = 'pgrehearse.plan';

async function explainGeneric(client: Client, text: string): Promise<Explained> {
  await client.query(`PREPARE ${quoteIdentifier(planName)} AS ${text}`);
  try {
    const { rows: prepared } = await client.query<{ parameters: number }>(
      'SELECT cardinality(parameter_types) AS parameters FROM pg_prepared_statements WHERE name = $1',
      [planName],
    );
    const nulls = Array<string>(prepared[0]!.parameters).fill('NULL').join(', ');
    // As text: JSON numbers lose the last digits of a 64-bit identifier.
    const { rows } = await client.query<{ plan: string }>({
      text: `EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE ${quoteIdentifier(planName)}${nulls === '' ? '' : `(${nulls})`}`,
      types: { getTypeParser: () => String },
    });
    const json = Object.values(rows[0]!)[0] as string;
    const [explained] = JSON.parse(json.replace(/("Query Identifier": )(-?\d+)/, '$1"$2"')) as Explained[];
    return explained!;
  } finally {
    await client.query(`DEALLOCATE ${quoteIdentifier(planName)}`);
  }
}

/** Servers that are not ours may lack the extension, or keep it from us. */
async function countsStatements(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('pgrehearse.pg_stat_statements') IS NOT NULL AS there`,
  );
  return rows[0]!.there;
}

/** Forgets what was counted so far in this database. */
export async function resetWork(connection: ConnectionTarget): Promise<void> {
  await withClient(connection, async (client) => {
    if (!(await countsStatements(client))) return;
    await client.query(
      `SELECT pgrehearse.pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()`,
    );
  });
}

/** Counters by query identifier, of statements that clients sent themselves; undefined where nothing counts them. */
export async function readWork(connection: ConnectionTarget): Promise<Map<string, StatementWork> | undefined> {
  return withClient(connection, async (client) => {
    if (!(await countsStatements(client))) return undefined;
    const { rows } = await client.query<{ [Key in keyof StatementWork]: string } & { queryId: string }>(`
      SELECT queryid::text AS "queryId", sum(calls) AS calls,
             sum(shared_blks_hit + shared_blks_read + local_blks_hit + local_blks_read) AS blocks,
             sum(temp_blks_read + temp_blks_written) AS "tempBlocks",
             sum(wal_records) AS "walRecords", sum(wal_bytes) AS "walBytes",
             sum(rows) AS rows, sum(total_exec_time) AS "executionMs"
        FROM pgrehearse.pg_stat_statements
       WHERE toplevel AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
       GROUP BY queryid`);
    return new Map(
      rows.map(({ queryId, ...counters }) => [
        queryId,
        Object.fromEntries(
          Object.entries(counters).map(([name, value]) => [name, Number(value)]),
        ) as unknown as StatementWork,
      ]),
    );
  });
}
