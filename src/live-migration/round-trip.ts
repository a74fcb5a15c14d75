/** Whether a migration that was taken back under load can be applied once more, on the same clone without load. */
import { messageOf } from '../errors.ts';
import { migrate, type Migration } from '../migrate.ts';
import { describeSchema } from '../migrate/round-trip.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { differences } from './portrait.ts';
import type { RoundTrip } from './record.ts';

/** Schemas of a clone, line by line. */
export interface Schemas {
  before: readonly string[];
  /** With the migration. */
  applied: readonly string[];
  /** When it had been taken back. */
  takenBack: readonly string[];
}

/** Applies it again. Its failure is told, not thrown. @throws the signal's reason after an abort */
export async function applyAgain(
  connection: ConnectionTarget,
  migrations: readonly Migration[],
  { before, applied, takenBack }: Schemas,
  signal?: AbortSignal,
): Promise<RoundTrip> {
  const notRestored = differences(before, takenBack);
  try {
    await migrate(connection, migrations, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    return { notRestored, differs: [], error: messageOf(error) };
  }
  return { notRestored, differs: differences(applied, await describeSchema(connection)) };
}
