/** Compares migration files with a database's bookkeeping and decides what to run. Pure. */
import { UsageError } from '../errors.ts';
import type { BookkeepingRow } from './bookkeeping.ts';
import { adviceForUnfinished } from './failure.ts';
import { scriptOf, type Migration } from './files.ts';
import { compareVersions, versionKey } from './versions.ts';

/** One migration as files and database see it. */
export interface MigrationStatus {
  version: string;
  name: string;
  /**
   * `changed`: the up file is not what was applied. `missing`: the database knows it, but the files are gone. `unfinished`:
   * a file that is no single transaction stopped half-way, up or down.
   */
  state: 'applied' | 'pending' | 'changed' | 'missing' | 'unfinished';
  /** Of the up file as applied; of the file as it is, where it is pending. */
  sha256: string;
  /** Statements of the file. */
  statements: number;
  /** ISO 8601, UTC. */
  appliedAt?: string;
  durationMs?: number;
}

/** Every migration that the files or the database know, in ascending order. */
export function compareState(migrations: readonly Migration[], rows: readonly BookkeepingRow[]): MigrationStatus[] {
  const files = new Map(migrations.map((migration) => [versionKey(migration.version), migration]));
  const known = rows.map((row) => statusOfRow(row, files.get(versionKey(row.version))));
  const pending = missingFrom(rows, migrations).map(({ version, name, sha256, up }): MigrationStatus => {
    return { version, name, state: 'pending', sha256, statements: up.statements.length };
  });
  return [...known, ...pending].sort((a, b) => compareVersions(a.version, b.version));
}

/**
 * Migrations to apply, in order: the pending ones up to the target, or all.
 *
 * @param rows in ascending order of version
 * @throws UsageError when files and database do not agree, or the database is beyond the target
 */
export function planUp(
  migrations: readonly Migration[],
  rows: readonly BookkeepingRow[],
  target: string | undefined,
): Migration[] {
  refuseFaults(migrations, rows, 'up');
  const pending = missingFrom(rows, migrations);
  if (target === undefined) return pending;
  const current = rows.at(-1)?.version ?? '0';
  if (compareVersions(current, target) > 0) {
    throw new UsageError(`The database is at version ${current}, beyond ${target}.`, {
      hint: `Migrate down to ${target} instead.`,
    });
  }
  return pending.filter(({ version }) => compareVersions(version, target) <= 0);
}

/**
 * Migrations to revert, in order: the applied ones above the target, newest first.
 *
 * @param rows in ascending order of version
 * @param target version that stays; '0' for none
 * @throws UsageError when files and database do not agree, the database is below the target, or one cannot be taken back
 */
export function planDown(
  migrations: readonly Migration[],
  rows: readonly BookkeepingRow[],
  target: string,
): Migration[] {
  refuseFaults(migrations, rows, 'down');
  const current = rows.at(-1)?.version ?? '0';
  if (compareVersions(current, target) < 0) {
    const place = rows.length === 0 ? 'has no migration' : `is at version ${current}`;
    throw new UsageError(`The database ${place}, below ${target}.`, { hint: `Migrate up to ${target} instead.` });
  }
  const pending = new Set(missingFrom(rows, migrations));
  const above = migrations.filter(({ version }) => compareVersions(version, target) > 0);
  const applied = above.filter((migration) => !pending.has(migration));
  // Before the first is taken back: a database left half-way would be the worst of both.
  for (const migration of applied) scriptOf(migration, 'down');
  return applied.toReversed();
}

/**
 * Checks that what is applied is what the files say.
 *
 * @param direction of what shall follow: an unfinished migration may be reverted, since that is the way out of it
 * @throws UsageError that names every fault
 */
export function refuseFaults(
  migrations: readonly Migration[],
  rows: readonly BookkeepingRow[],
  direction: 'up' | 'down',
): void {
  const faults = [
    ...rows.flatMap((row) => faultOfRow(row, migrations, direction)),
    ...(direction === 'up' ? overtaken(migrations, rows) : []),
  ];
  if (faults.length === 0) return;
  const unfinished = rows.find((row) => row.state !== 'applied');
  throw new UsageError(`Files and database do not agree:\n${faults.map((fault) => `- ${fault}`).join('\n')}`, {
    hint: unfinished
      ? adviceForUnfinished(unfinished.version, unfinished.name)
      : 'Keep the files as they were applied, and write every change as a new migration with a higher version.',
  });
}

function statusOfRow(row: BookkeepingRow, file: Migration | undefined): MigrationStatus {
  const { version, name, sha256, statements, appliedAt, durationMs } = row;
  const when = appliedAt === null ? {} : { appliedAt: appliedAt.toISOString() };
  const duration = durationMs === null ? {} : { durationMs };
  return { version, name, state: stateOf(row, file), sha256, statements, ...when, ...duration };
}

function stateOf(row: BookkeepingRow, file: Migration | undefined): MigrationStatus['state'] {
  if (!file) return 'missing';
  if (row.state !== 'applied') return 'unfinished';
  return file.sha256 === row.sha256 ? 'applied' : 'changed';
}

function faultOfRow(row: BookkeepingRow, migrations: readonly Migration[], direction: 'up' | 'down'): string[] {
  const file = migrations.find(({ version }) => compareVersions(version, row.version) === 0);
  const state = stateOf(row, file);
  const title = `${row.version}_${row.name}`;
  if (state === 'missing') return [`${title} is applied, but its files are gone`];
  if (state === 'unfinished') return direction === 'down' ? [] : [describeUnfinished(row)];
  if (state === 'applied') return [];
  const sums = `its SHA-256 is ${file!.sha256.slice(0, 12)}, applied was ${row.sha256.slice(0, 12)}`;
  return [`${title} changed after it was applied: ${sums} (${file!.up.path})`];
}

/** Pending migrations below an applied one: applying them now would give another order than a new database gets. */
function overtaken(migrations: readonly Migration[], rows: readonly BookkeepingRow[]): string[] {
  const newest = rows.at(-1);
  if (!newest) return [];
  const late = missingFrom(rows, migrations).filter(({ version }) => compareVersions(version, newest.version) < 0);
  const title = `${newest.version}_${newest.name}`;
  return late.map(({ version, name }) => `${version}_${name} is not applied, but the later ${title} is`);
}

function missingFrom(rows: readonly BookkeepingRow[], migrations: readonly Migration[]): Migration[] {
  const known = new Set(rows.map((row) => versionKey(row.version)));
  return migrations.filter(({ version }) => !known.has(versionKey(version)));
}

function describeUnfinished({ version, name, state, statements, statementsDone, startedAt }: BookkeepingRow): string {
  const what = state === 'applying' ? 'was started' : 'began to be reverted';
  return (
    `${version}_${name} ${what} at ${startedAt.toISOString()} and did not end: ` +
    `${statementsDone} of the file's ${statements} statements are done`
  );
}
