/** What both sides of the comparison load into: fresh databases with the schema of webhooks, on one server. */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { withClient } from '../../src/database.ts';
import { importScenario } from '../../src/scenario-module.ts';
import { bindSeed, type BoundSeed, type SeedChoice } from '../../src/seed/bind.ts';
import { inspectTables, type TargetTable } from '../../src/seed/inspect.ts';
import type { ConnectionTarget, Server } from '../../src/server/server.ts';
import { quoteIdentifier } from '../../src/sql.ts';
import type { Psql } from './psql.ts';

const root = join(import.meta.dirname, '..', '..');
export const scenarioFile = join(root, 'scenarios', 'webhooks.ts');

/** Where things are measured, and what with. */
export interface Bench {
  server: Server;
  /** With PostgreSQL's own settings: what psql finds where nobody gave up durability for loading. */
  ordinary: Server;
  choice: SeedChoice;
  seed: BoundSeed;
  /** Folder for files of rows, which the server can enter. */
  folder: string;
  psql: Psql | undefined;
  turns: number;
}

export async function bindWebhooks(choice: SeedChoice): Promise<BoundSeed> {
  return bindSeed((await importScenario(scenarioFile)).workload.seed, choice);
}

/** Runs `use` with a database of its own that has the tables of webhooks, and drops it. */
export async function withTables<T>(
  { server, seed }: Pick<Bench, 'server' | 'seed'>,
  use: (side: { connection: ConnectionTarget; client: Client; targets: TargetTable[] }) => Promise<T>,
): Promise<T> {
  const database = 'side';
  await withClient(server.connection(), (client) => client.query(`CREATE DATABASE ${database}`));
  const connection = server.connection(database);
  try {
    return await withClient(connection, async (client) => {
      await client.query(await readFile(join(root, 'migrations', 'webhooks', '001_baseline.up.sql'), 'utf8'));
      return use({ connection, client, targets: await inspectTables(client, seed) });
    });
  } finally {
    await withClient(server.connection(), async (client) => {
      await client.query(`DROP DATABASE ${database}`);
      // The next turn starts without pages that still have to be written.
      await client.query('CHECKPOINT');
    });
  }
}

/** The columns that the seed fills, as \copy lists them. */
export function columnList({ columns }: TargetTable): string {
  return columns.map(({ column }) => quoteIdentifier(column)).join(', ');
}

/** File with the rows of a table, as `\copy` writes them. */
export function rowsFile({ folder }: Bench, { name }: TargetTable): string {
  return join(folder, `${name}.txt`);
}

export async function removeFiles(bench: Bench, targets: readonly TargetTable[]): Promise<void> {
  await Promise.all(targets.map((target) => rm(rowsFile(bench, target), { force: true })));
}

export async function fileBytes(path: string): Promise<number> {
  return (await stat(path)).size;
}

/**
 * Wall time; cores that the machine kept busy with everything that ran on it; processor time of this process and of the server,
 * which a busy machine stretches less than the wall time (0 for the server where there is no /proc).
 */
export interface Cost {
  ms: number;
  busyCores: number;
  harnessCpuSeconds: number;
  serverCpuSeconds: number;
}

export async function costOf<T>(
  { server }: Pick<Bench, 'server'>,
  work: () => Promise<T>,
): Promise<{ cost: Cost; result: T }> {
  const [startedMs, busyMs, own, used] = [
    performance.now(),
    machineBusyMs(),
    process.cpuUsage(),
    await cpuSeconds(server),
  ];
  const result = await work();
  const ms = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(own);
  const cost = {
    ms,
    busyCores: (machineBusyMs() - busyMs) / ms,
    harnessCpuSeconds: (user + system) / 1e6,
    serverCpuSeconds: (await cpuSeconds(server)) - used,
  };
  return { cost, result };
}

/** Processor time of the postmaster's children, those that live and those that have ended (proc(5): 100 ticks a second). */
async function cpuSeconds({ pid }: Server): Promise<number> {
  const processes = await readdir('/proc').catch(() => []);
  const stats = await Promise.all(processes.filter((name) => /^\d+$/.test(name)).map(readStat));
  const ticks = stats.map((fields) => {
    const [parent, user, system, userOfEnded, systemOfEnded] = [1, 11, 12, 13, 14].map((at) => Number(fields[at]));
    if (fields.at(-1) === String(pid)) return userOfEnded! + systemOfEnded!;
    return parent === pid ? user! + system! : 0;
  });
  return ticks.reduce((sum, one) => sum + one, 0) / 100;
}

/** The fields after the name of the program, and the process id; none for a process that has just ended. */
async function readStat(pid: string): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text === ''
    ? []
    : [
        ...text
          .slice(text.lastIndexOf(')') + 2)
          .trim()
          .split(' '),
        pid,
      ];
}

function machineBusyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}
