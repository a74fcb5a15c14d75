/** Looks at the lock queue of a migration, every 20 ms, from a connection of its own that touches no table of the workload. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { ConnectionTarget } from '../server/server.ts';

/** One look. Instants are of Date.now(). */
export interface LockLook {
  atMs: number;
  /** Sessions that wait for a lock because of the migration, directly or in the queue behind it. */
  queued: number;
  /** Whether the migration itself waits, and for whom. */
  waiting: boolean;
  blockers: string[];
  /** Locks on tables and indexes that it has; weaker ones than those that keep somebody out are left out. */
  held: { relation: string; mode: string }[];
}

const intervalMs = 20;

// Whoever is neither ours nor an adversary is the user's migration tool. ACCESS SHARE and ROW SHARE keep nobody out who reads or writes rows. regclass looks at the catalogue only: it waits for no lock.
// What nobody else can see yet, made in the same transaction, keeps nobody out either.
const look = `
  WITH migration AS MATERIALIZED (
         SELECT pid, wait_event_type FROM pg_stat_activity
          WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
            AND (application_name = 'pgrehearse migrate'
                 OR application_name NOT LIKE 'pgrehearse %' AND application_name NOT LIKE 'adversary: %')),
       blocked AS MATERIALIZED (
         SELECT pid, pg_blocking_pids(pid) AS blockers FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock')
  SELECT (SELECT count(*)::int FROM blocked WHERE pid NOT IN (SELECT pid FROM migration)
             AND blockers && ARRAY(SELECT pid FROM migration)) AS queued,
         EXISTS (SELECT FROM blocked JOIN migration USING (pid)) AS waiting,
         ARRAY(SELECT DISTINCT a.application_name || ' (' || coalesce(a.state, a.backend_type) || ')'
                 FROM blocked b JOIN migration USING (pid)
                 JOIN pg_stat_activity a ON a.pid = ANY (b.blockers)) AS blockers,
         (SELECT coalesce(json_agg(json_build_object('relation', l.relation::regclass::text, 'mode', l.mode)), '[]')
            FROM pg_locks l JOIN migration USING (pid)
           WHERE l.locktype = 'relation' AND l.granted AND EXISTS (SELECT FROM pg_class c WHERE c.oid = l.relation AND c.oid >= 16384)
             AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')) AS held`;

/** Looks until it is disposed of. */
export class LockWatch implements AsyncDisposable {
  readonly looks: LockLook[] = [];
  readonly #client: Client;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async start(connection: ConnectionTarget): Promise<LockWatch> {
    const client = new Client({
      ...connection,
      application_name: 'pgrehearse lock watch',
      options: '-c statement_timeout=2000 -c lock_timeout=100',
    });
    // What breaks the connection is told by whoever needs the server; looks that are missing are seen as such.
    client.on('error', () => {});
    await client.connect();
    const watch = new LockWatch(client);
    watch.#running = watch.#run();
    return watch;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const begun = performance.now();
      const atMs = Date.now();
      const found = await this.#client
        .query<Omit<LockLook, 'atMs'>>({ name: 'look', text: look })
        .catch(() => undefined);
      if (found !== undefined) this.looks.push({ atMs, ...found.rows[0]! });
      await sleep(Math.max(1, intervalMs - (performance.now() - begun)));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#client.end().catch(() => {});
  }
}
