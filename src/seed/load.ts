/** Loads a seed into the tables of a workload: rows by parallel COPY, then indexes, constraints and statistics. */
import { availableParallelism } from 'node:os';
import type { Client } from 'pg';
import { withClient } from '../database.ts';
import { importScenario } from '../scenario-module.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { bindSeed } from './bind.ts';
import { CopyPool, type CopyListener } from './copy-pool.ts';
import { inspectTables } from './inspect.ts';
import type { TargetTable } from './inspect.ts';
import { ProgressTeller } from './progress.ts';
import type { SeedProgress } from './progress.ts';
import { Rebuild } from './rebuild.ts';
import { dropStatements, readSchemaObjects } from './schema-objects.ts';
import type { SchemaObjects } from './schema-objects.ts';

export type { SeedProgress } from './progress.ts';

export interface LoadSeedOptions {
  /** Absolute path of the scenario whose workload's seed is loaded; imported again in every worker thread. */
  scenarioFile: string;
  /** Database whose tables exist, with all their indexes and constraints. */
  connection: ConnectionTarget;
  /** Seed number. */
  seed: number;
  /** 1 is full size. */
  scale: number;
  signal?: AbortSignal;
  /** Worker threads; default as many as the machine has cores, and no more than tables. The rows do not depend on it. */
  workers?: number;
  onProgress?: (progress: SeedProgress) => void;
}

/** What was loaded, and how long it took. */
export interface SeedReport {
  rows: number;
  copyBytes: number;
  /** Wall time until all tables had their rows; indexes of the first ones are built meanwhile. */
  copyMs: number;
  /** Wall time from then on: the remaining indexes, constraints and statistics. */
  indexMs: number;
  tables: SeededTable[];
}

export interface SeededTable {
  name: string;
  rows: number;
  copyMs: number;
  copyBytes: number;
  /** Of the bytes of the COPY: equal whenever the rows are. */
  sha256: string;
}

/**
 * Empties the seed's tables and fills them. Indexes and constraints are taken away first and restored with the same
 * definitions, also when the rows fail; triggers do not fire.
 *
 * @throws UsageError that tells all faults of the definition at once, or names the table, column and row that failed
 * @throws EnvironmentError when the server or the connection fails
 */
export async function loadSeed(options: LoadSeedOptions): Promise<SeedReport> {
  const { connection, seed, scale, signal } = options;
  const scenario = await importScenario(options.scenarioFile);
  const bound = bindSeed(scenario.workload.seed, { seed, scale });
  await using pool = new CopyPool(options, workersFor(options, bound.size));
  return await withClient(connection, async (client) => {
    const targets = await inspectTables(client, bound);
    signal?.throwIfAborted();
    const objects = await takeAway(client, targets);
    const progress = new ProgressTeller(new Map(targets.map(({ name, rows }) => [name, rows])), options.onProgress);
    try {
      return await fill(pool, options, targets, objects, progress);
    } catch (error) {
      await restoreEmpty(connection, objects, targets);
      throw error;
    }
  });
}

/** Rows and, as soon as a table has all of its rows, its indexes: every core has work from the first row to the last index. */
async function fill(
  pool: CopyPool,
  options: LoadSeedOptions,
  targets: readonly TargetTable[],
  objects: SchemaObjects,
  progress: ProgressTeller,
): Promise<SeedReport> {
  await using rebuild = new Rebuild(options.connection, objects, targets, progress);
  const stops = [rebuild.failed, ...(options.signal ? [options.signal] : [])];
  const stop = AbortSignal.any(stops);
  const startedMs = performance.now();
  for (let core = pool.workers; core < availableParallelism(); core++) rebuild.addCore();
  const listener: CopyListener = {
    onTable: (target) => rebuild.copied(target),
    onWorkerEnd: () => rebuild.addCore(),
  };
  const tables = await pool.copy(targets, progress, { signal: stop, listener });
  const copiedMs = performance.now();
  await untilAborted(rebuild.finish(), stop);
  return reportOf(tables, copiedMs - startedMs, performance.now() - copiedMs);
}

/** @throws the signal's reason, at once */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true, signal: ended.signal });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    ended.abort();
    work.catch(() => {});
  }
}

function reportOf(tables: SeededTable[], copyMs: number, indexMs: number): SeedReport {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const copyBytes = tables.reduce((sum, table) => sum + table.copyBytes, 0);
  return { rows, copyBytes, copyMs, indexMs, tables };
}

/** After a failure: empty tables with everything that stood on them, as far as the server still answers. */
async function restoreEmpty(
  connection: ConnectionTarget,
  objects: SchemaObjects,
  targets: readonly TargetTable[],
): Promise<void> {
  try {
    await withClient(connection, async (client) => {
      const left = await readSchemaObjects(
        client,
        targets.map(({ oid }) => oid),
      );
      const drop = dropStatements(left);
      const truncate = `TRUNCATE ${targets.map(({ sqlName }) => sqlName).join(', ')}`;
      await client.query(['BEGIN', ...drop, truncate, 'COMMIT'].join(';\n'));
    });
    await using rebuild = new Rebuild(connection, objects, targets, new ProgressTeller(new Map(), undefined));
    rebuild.addCore();
    for (const target of targets) rebuild.copied(target);
    await rebuild.finish();
  } catch {
    // The first error is the one to tell; a server that is gone takes the half-loaded tables with it.
  }
}

/** Drops indexes and keys in one transaction, so that a crash leaves all or none. */
async function takeAway(client: Client, targets: readonly TargetTable[]): Promise<SchemaObjects> {
  const objects = await readSchemaObjects(
    client,
    targets.map(({ oid }) => oid),
  );
  await client.query(['BEGIN', ...dropStatements(objects), 'COMMIT'].join(';\n'));
  return objects;
}

function workersFor({ workers = availableParallelism() }: LoadSeedOptions, tables: number): number {
  return Math.max(1, Math.min(workers, tables));
}
