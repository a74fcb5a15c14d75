/** Readings: figures that a workload asks of a stage's database right after the load. */
import { DatabaseError } from 'pg';
import { withClient } from './database.ts';
import { EnvironmentError, messageOf } from './errors.ts';
import type { Reading } from './result.ts';
import type { ReadingSpec } from './scenario.ts';
import type { ConnectionTarget } from './server/server.ts';

/** They are evidence, not a gate: one that takes longer is given up. */
const timeoutMs = 60_000;

/**
 * Asks every reading that applies to the stage. A reading whose query fails or answers no number is kept with the error.
 *
 * @throws EnvironmentError when the server goes away, and what `pg` throws when it cannot be reached
 */
export async function takeReadings(
  readings: Readonly<Record<string, ReadingSpec>>,
  { stage, connection }: { stage: string; connection: ConnectionTarget },
): Promise<Reading[]> {
  const applicable = Object.entries(readings).filter(([, { stages }]) => stages?.includes(stage) ?? true);
  if (applicable.length === 0) return [];
  return withClient(connection, async (client) => {
    await client.query(`SET statement_timeout = ${timeoutMs}`);
    const taken: Reading[] = [];
    for (const [name, { description, unit, sql }] of applicable) {
      const answer = await client.query<Record<string, unknown>>(sql).then(
        ({ rows }) => numberIn(rows),
        (error: unknown) => failureOf(name, error),
      );
      taken.push({ stage, name, description, unit, ...answer });
    }
    return taken;
  });
}

type Answer = { value: number } | { error: string };

function numberIn(rows: readonly Record<string, unknown>[]): Answer {
  const cells = rows.flatMap((row) => Object.values(row));
  const [cell] = cells;
  // bigint and numeric come as text.
  const value = typeof cell === 'string' && cell.trim() !== '' ? Number(cell) : cell;
  if (cells.length === 1 && typeof value === 'number' && Number.isFinite(value)) return { value };
  return { error: `it must answer one row with one number, not ${JSON.stringify(rows).slice(0, 100)}` };
}

function failureOf(name: string, error: unknown): Answer {
  if (error instanceof DatabaseError) return { error: error.message };
  throw new EnvironmentError(`The server failed while the reading ${name} was taken: ${messageOf(error)}.`, {
    hint: 'See the log of the server.',
    cause: error,
  });
}
