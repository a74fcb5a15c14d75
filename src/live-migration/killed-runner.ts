/** Our runner in a process of its own, which can be ended by force. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { withClient } from '../database.ts';
import type { Migration } from '../migrate.ts';
import type { ConnectionTarget } from '../server/server.ts';
import type { KillKind } from './record.ts';

/** What the process is told, and what it tells: that the next statement begins. */
export interface RunnerOrder {
  connection: ConnectionTarget;
  migrations: readonly Migration[];
}
export const statementBegins = 'statement';

/** Where the blow falls. */
export interface Blow {
  kind: KillKind;
  /** Of the statements and COMMITs of the migration, from 0. */
  statement: number;
  /** After that one began. */
  afterMs: number;
}

/**
 * Migrates in another process until the blow falls.
 *
 * @returns the instant of the blow (Date.now()), or undefined when the migration ended before
 * @throws AbortError after an abort, which ends that process too
 */
export async function migrateUntil(
  order: RunnerOrder,
  { kind, statement, afterMs }: Blow,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const file = new URL('./runner-process' + extname(fileURLToPath(import.meta.url)), import.meta.url);
  const child = fork(file, {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    signal,
    killSignal: 'SIGKILL',
  });
  const exited = once(child, 'exit') as Promise<[code: number | null]>;
  return withClient(order.connection, async (control) => {
    let struckAt: number | undefined;
    let begun = 0;
    const strike = async (): Promise<void> => {
      await sleep(afterMs);
      struckAt = Date.now();
      if (kind === 'runner') child.kill('SIGKILL');
      else if (kind === 'session') await control.query(`SELECT pg_terminate_backend(pid) ${runnersSession}`);
      else await killBackends(await control.query<{ pid: number }>(`SELECT pid ${runnersSession}`));
    };
    child.on('message', (message) => {
      if (message !== statementBegins || begun++ !== statement) return;
      // The connection of whoever strikes may go down with the server.
      void strike().catch(() => {});
    });
    child.send(order);
    const [code] = await exited;
    return code === 0 ? undefined : struckAt;
  });
}

const runnersSession = `FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgrehearse migrate'`;

async function killBackends({ rows }: { rows: readonly { pid: number }[] }): Promise<void> {
  for (const { pid } of rows) process.kill(pid, 'SIGKILL');
}

/** How long a server may need to recover from a crash. */
const longestWaitMs = 120_000;

/** Waits until the server answers again and no session of the runner is left: one whose client was killed goes on to its statement's end. */
export async function untilNobodyMigrates(connection: ConnectionTarget): Promise<void> {
  const deadline = performance.now() + longestWaitMs;
  for (;;) {
    try {
      const left = await withClient(connection, (client) => client.query(`SELECT ${runnersSession}`));
      if (left.rows.length === 0) return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(20);
  }
}
