/** Invariants: queries that find violations, asked after seeding and after the load. */
import { DatabaseError, type Client } from 'pg';
import { EnvironmentError, messageOf, UsageError } from './errors.ts';
import type { InvariantOutcome } from './result.ts';
import type { InvariantSpec } from './scenario.ts';
import type { ConnectionTarget } from './server/server.ts';
import { cancelOnAbort, withClient } from './database.ts';

/** Longest text of violating rows that goes into the result. */
const violationsLength = 500;

/**
 * Asks every invariant that applies to the stage.
 *
 * @throws UsageError when an invariant's query fails, EnvironmentError when the server cannot be reached
 */
export async function checkInvariants(
  invariants: Record<string, InvariantSpec>,
  options: { stage: string; when: 'seeded' | 'loaded'; connection: ConnectionTarget; signal?: AbortSignal | undefined },
): Promise<InvariantOutcome[]> {
  const { stage, when, connection, signal } = options;
  const applicable = Object.entries(invariants).filter(([, { stages }]) => stages?.includes(stage) ?? true);
  return withClient(connection, async (client) => {
    await using resources = new AsyncDisposableStack();
    resources.use(cancelOnAbort(connection, client, signal));
    // They read whole tables, outside of anything that is measured: let them have memory and every core.
    await client.query(`SET work_mem = '256MB'`);
    await client.query('SET max_parallel_workers_per_gather = 4');
    const outcomes: InvariantOutcome[] = [];
    for (const [name, { description, sql }] of applicable) {
      signal?.throwIfAborted();
      const startedAt = performance.now();
      const rows = await violations(client, name, sql).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw error;
      });
      outcomes.push({
        name,
        description,
        stage,
        when,
        holds: rows.length === 0,
        durationMs: performance.now() - startedAt,
        ...(rows.length === 0 ? {} : { violations: JSON.stringify(rows).slice(0, violationsLength) }),
      });
    }
    return outcomes;
  });
}

async function violations(client: Client, name: string, sql: string): Promise<unknown[]> {
  try {
    return (await client.query(sql)).rows;
  } catch (error) {
    if (!(error instanceof DatabaseError)) {
      throw new EnvironmentError(`The server failed while the invariant ${name} was checked: ${messageOf(error)}.`, {
        cause: error,
      });
    }
    throw new UsageError(`The query of the invariant ${name} fails: ${error.message} (SQLSTATE ${error.code}).`, {
      hint: 'Correct its sql; an invariant that only some stages have names them in `stages`.',
      cause: error,
    });
  }
}
