/** Carries a transaction out as a stage does, asks for the plan of every statement that it sends, and takes everything back. */
import type { Client } from 'pg';
import type { PlanNode } from '../observe/plan-tree.ts';
import type { TransactionBody, TransactionClient } from '../scenario.ts';
import { loadTypes } from './wire/statement.ts';

/** What EXPLAIN (ANALYZE, FORMAT JSON) tells; times in milliseconds. */
export interface ExplainedStatement {
  statement: string;
  Plan: PlanNode;
  'Planning Time': number;
  'Execution Time': number;
}

/**
 * In a transaction of its own.
 *
 * @returns the statements in the order in which they were sent
 * @throws what the transaction or the server throws
 */
export async function explainTransaction(
  client: Client,
  body: TransactionBody,
  params: unknown,
): Promise<ExplainedStatement[]> {
  await client.query('BEGIN');
  try {
    return await explainStatements(client, body, params);
  } finally {
    await client.query('ROLLBACK');
  }
}

/**
 * In the transaction that the client is in. Each statement runs once for its plan, which is made for these very values, and once for its
 * rows; what it did the first time is taken back in between.
 *
 * @returns as above
 * @throws as above; the transaction is to be rolled back then
 */
export async function explainStatements(
  client: Client,
  body: TransactionBody,
  params: unknown,
): Promise<ExplainedStatement[]> {
  const explained: ExplainedStatement[] = [];
  const explaining: TransactionClient = {
    query: async (statement, values = []) => {
      const text = body.statements[statement]!;
      await client.query('SAVEPOINT explained');
      const { rows } = await client.query<{ 'QUERY PLAN': Omit<ExplainedStatement, 'statement'>[] }>(
        `EXPLAIN (ANALYZE, VERBOSE, BUFFERS, WAL, TIMING OFF, FORMAT JSON) ${text}`,
        [...values],
      );
      await client.query('ROLLBACK TO explained');
      explained.push({ statement, ...rows[0]!['QUERY PLAN'][0]! });
      return (await client.query({ text, values: [...values], types: loadTypes })).rows;
    },
  };
  await body.run(explaining, params);
  return explained;
}
