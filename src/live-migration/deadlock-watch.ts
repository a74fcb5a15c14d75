/** Looks for sessions that wait for each other in a circle with the migration, before the server ends one of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { ConnectionTarget } from '../server/server.ts';

/** Two statements that waited for each other, directly or over others. */
export interface Circle {
  /** Of the migration. */
  migration: string;
  /** Of the session that waits for the migration. */
  other: string;
}

/** The server looks after deadlock_timeout, a second by default: about twenty of our looks fall into it. */
const intervalMs = 50;

const circles = `
  WITH RECURSIVE
    waits AS MATERIALIZED (
      SELECT a.pid, b.pid AS on_pid FROM pg_stat_activity a, LATERAL unnest(pg_blocking_pids(a.pid)) AS b (pid)
       WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'),
    migration AS (
      SELECT pid, query FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'pgrehearse migrate'),
    chain AS (
      SELECT w.pid, w.on_pid, ARRAY[w.pid] AS path FROM waits w JOIN migration m ON m.pid = w.pid
      UNION ALL
      SELECT w.pid, w.on_pid, c.path || w.pid FROM chain c JOIN waits w ON w.pid = c.on_pid WHERE w.pid <> ALL (c.path))
  SELECT DISTINCT m.query AS migration, a.query AS other
    FROM chain c JOIN migration m ON m.pid = c.on_pid JOIN pg_stat_activity a ON a.pid = c.pid
   WHERE c.pid <> m.pid`;

/** Looks until it is disposed of. */
export class DeadlockWatch implements AsyncDisposable {
  readonly #seen = new Map<string, Circle>();
  readonly #client: Client;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async start(connection: ConnectionTarget): Promise<DeadlockWatch> {
    const client = new Client({ ...connection, application_name: 'pgrehearse deadlock watch' });
    client.on('error', () => {});
    await client.connect();
    const watch = new DeadlockWatch(client);
    watch.#running = watch.#run();
    return watch;
  }

  /** Each once. */
  get circles(): Circle[] {
    return [...this.#seen.values()];
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const found = await this.#client.query<Circle>({ name: 'circles', text: circles }).catch(() => undefined);
      for (const circle of found?.rows ?? []) this.#seen.set(`${circle.migration}\n${circle.other}`, circle);
      await sleep(intervalMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#client.end().catch(() => {});
  }
}
