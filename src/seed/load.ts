/** Loads a seed into the tables of a workload: rows by parallel COPY, then indexes, constraints and statistics. */
import { availableParallelism } from 'node:os';
import type { Client } from 'pg';
import { withClient } from '../database.ts';
import { importScenario } from '../scenario-module.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { bindSeed } from './bind.ts';
import { copyTables } from './copy-pool.ts';
import { inspectTables } from './inspect.ts';
import type { TargetTable } from './inspect.ts';
import { ProgressTeller } from './progress.ts';
import type { SeedProgress } from './progress.ts';
import { rebuild } from './rebuild.ts';
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
  /** Wall time of all tables' rows. */
  copyMs: number;
  /** Wall time of indexes, constraints and statistics. */
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
  return withClient(connection, async (client) => {
    const targets = await inspectTables(client, bound);
    signal?.throwIfAborted();
    const objects = await takeAway(client, targets);
    const progress = new ProgressTeller(new Map(targets.map(({ name, rows }) => [name, rows])), options.onProgress);
    const control = { progress, ...(signal ? { signal } : {}) };
    const startedMs = performance.now();
    try {
      const tables = await copyTables({ ...options, workers: workersFor(options, targets) }, targets, progress);
      const copiedMs = performance.now();
      await rebuild(connection, objects, targets, control);
      return reportOf(tables, copiedMs - startedMs, performance.now() - copiedMs);
    } catch (error) {
      await restoreEmpty(connection, objects, targets);
      throw error;
    }
  });
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
    await rebuild(connection, objects, targets, { progress: new ProgressTeller(new Map(), undefined) });
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

function workersFor(options: LoadSeedOptions, targets: readonly TargetTable[]): number {
  return Math.max(1, Math.min(options.workers ?? availableParallelism(), targets.length));
}
