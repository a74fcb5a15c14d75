/** What a database knows of its migrations: the table `pgrehearse.migrations`. */
import { scriptOf, type Migration } from './files.ts';
import { compareVersions } from './versions.ts';
import type { Session } from './session.ts';

/** One row of the table. */
export interface BookkeepingRow {
  version: string;
  name: string;
  /** Of the up file, when it was applied. */
  sha256: string;
  /** `applying` and `reverting` stay behind only when a file that is no single transaction did not come to its end. */
  state: 'applying' | 'applied' | 'reverting';
  statements: number;
  /** Of the file under way: statements that ended with success. */
  statementsDone: number;
  startedAt: Date;
  appliedAt: Date | null;
  durationMs: number | null;
}

/** Creates the schema and the table where they are missing. */
export async function createBookkeeping(session: Session): Promise<void> {
  if (await hasBookkeeping(session)) return;
  await session.query('CREATE SCHEMA IF NOT EXISTS pgrehearse');
  await session.query(
    `CREATE TABLE pgrehearse.migrations (
       version text PRIMARY KEY,
       name text NOT NULL,
       sha256 text NOT NULL,
       state text NOT NULL CHECK (state IN ('applying', 'applied', 'reverting')),
       statements integer NOT NULL,
       statements_done integer NOT NULL,
       started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
       applied_at timestamptz,
       duration_ms double precision
     )`,
  );
}

/** All rows, in ascending order of version; none when the database was never migrated. Writes nothing. */
export async function readBookkeeping(session: Session): Promise<BookkeepingRow[]> {
  if (!(await hasBookkeeping(session))) return [];
  const rows = await session.query<BookkeepingRow>(
    `SELECT version, name, sha256, state, statements, statements_done AS "statementsDone", started_at AS "startedAt",
            applied_at AS "appliedAt", duration_ms AS "durationMs"
       FROM pgrehearse.migrations`,
  );
  return rows.sort((a, b) => compareVersions(a.version, b.version));
}

/** Writes down that a migration begins; in the file's own transaction, where it has one. */
export async function recordStart(session: Session, migration: Migration): Promise<void> {
  await session.query(
    `INSERT INTO pgrehearse.migrations (version, name, sha256, state, statements, statements_done)
     VALUES ($1, $2, $3, 'applying', $4, 0)`,
    [migration.version, migration.name, migration.sha256, migration.up.statements.length],
  );
}

export async function recordReverting(session: Session, migration: Migration): Promise<void> {
  await session.query(
    `UPDATE pgrehearse.migrations SET state = 'reverting', statements = $2, statements_done = 0 WHERE version = $1`,
    [migration.version, scriptOf(migration, 'down').statements.length],
  );
}

export async function recordProgress(session: Session, migration: Migration, done: number): Promise<void> {
  await session.query('UPDATE pgrehearse.migrations SET statements_done = $2 WHERE version = $1', [
    migration.version,
    done,
  ]);
}

export async function recordApplied(session: Session, migration: Migration): Promise<void> {
  await session.query(
    `UPDATE pgrehearse.migrations
        SET state = 'applied', statements_done = statements, applied_at = clock_timestamp() WHERE version = $1`,
    [migration.version],
  );
}

export async function recordDuration(session: Session, migration: Migration, durationMs: number): Promise<void> {
  await session.query('UPDATE pgrehearse.migrations SET duration_ms = $2 WHERE version = $1', [
    migration.version,
    durationMs,
  ]);
}

export async function recordReverted(session: Session, migration: Migration): Promise<void> {
  await session.query('DELETE FROM pgrehearse.migrations WHERE version = $1', [migration.version]);
}

async function hasBookkeeping(session: Session): Promise<boolean> {
  const [row] = await session.query<{ exists: boolean }>(
    `SELECT to_regclass('pgrehearse.migrations') IS NOT NULL AS exists`,
  );
  return row!.exists;
}
