/**
 * Looks at the lock queue of a migration, every 20 ms, from a connection of its own that touches no table of the workload. While nobody waits,
 * the server itself compares the little that shows a change, and is asked for everything only when there is one.
 */
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
  /** Whether the server was asked to tell of a change: then the look stands until the next one. */
  stands: boolean;
}

/** What shows a change. */
interface Sessions {
  /** Whether anybody waits for any lock. */
  contended: boolean;
  /** How many the server has. */
  sessions: number;
  /** Those of the migration, and when each began its transaction and its statement. */
  pids: number[];
  begun: string | null;
}

type Seen = Sessions & Omit<LockLook, 'atMs' | 'stands'>;

const intervalMs = 20;
/** Looks in a row that the server takes by itself; no longer, so that it never looks on for a client that is gone. */
const looksAlone = 25;

// Whoever is neither ours nor an adversary is the user's migration tool. ACCESS SHARE and ROW SHARE keep nobody out who reads or writes rows. regclass looks at the catalogue only: it waits for no lock.
// What nobody else can see yet, made in the same transaction, keeps nobody out either.
const look = `
  WITH migration AS MATERIALIZED (
         SELECT pid, xact_start, query_start FROM pg_stat_activity
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
             AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')) AS held,
         EXISTS (SELECT FROM blocked) AS contended,
         (SELECT count(*)::int FROM pg_stat_get_backend_idset()) AS sessions,
         ARRAY(SELECT pid FROM migration) AS pids,
         (SELECT string_agg(concat_ws(' ', pid, xact_start, query_start), ', ' ORDER BY pid) FROM migration) AS begun`;

// Each pass through the loop is a transaction of its own: nothing that waits for old snapshots waits for longer than one of its sleeps. These functions read what
// pg_stat_activity reads, a session at a time, without its joins.
const untilItChanges = ({ sessions, pids, begun }: Sessions): string => `DO $$
BEGIN
  FOR look IN 1 .. ${looksAlone} LOOP
    PERFORM pg_sleep(${intervalMs / 1000});
    COMMIT;
    EXIT WHEN (
      SELECT count(*) <> ${sessions}
             OR bool_or(pg_stat_get_backend_wait_event_type(id) = 'Lock')
             OR string_agg(concat_ws(' ', pid, pg_stat_get_backend_xact_start(id), pg_stat_get_backend_activity_start(id)), ', ' ORDER BY pid)
                  FILTER (WHERE pid = ANY ('{${pids.join()}}')) IS DISTINCT FROM ${begun === null ? 'NULL' : `'${begun}'`}
        FROM pg_stat_get_backend_idset() AS id, pg_stat_get_backend_pid(id) AS pid);
  END LOOP;
END $$`;

/** Looks until it is stopped. */
export class LockWatch implements AsyncDisposable {
  readonly looks: LockLook[] = [];
  readonly #client: Client;
  readonly #running: Promise<void>;
  #stopped = false;

  /** @param client of its own */
  constructor(client: Client) {
    this.#client = client;
    this.#running = this.#run();
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
    return new LockWatch(client);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const begunMs = performance.now();
      if (await this.#look()) continue;
      await sleep(Math.max(1, intervalMs - (performance.now() - begunMs)));
    }
  }

  /** @returns whether it waited for a change */
  async #look(): Promise<boolean> {
    const atMs = Date.now();
    const found = await this.#client.query<Seen>({ name: 'look', text: look }).catch(() => undefined);
    if (found === undefined) return false;
    const { queued, waiting, blockers, held, ...seen } = found.rows[0]!;
    const last = { atMs, queued, waiting, blockers, held, stands: false };
    this.looks.push(last);
    if (seen.contended || this.#stopped) return false;
    last.stands = await this.#change(seen);
    return last.stands;
  }

  /** Waits for a change, for half a second at most; false where the server has no PL/pgSQL, or is gone. */
  #change(seen: Sessions): Promise<boolean> {
    return this.#client.query(untilItChanges(seen)).then(
      () => true,
      () => false,
    );
  }

  /** The connection stays open. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#client.end().catch(() => {});
  }
}
