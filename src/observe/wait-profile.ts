/** What the load's sessions wait for: looked at ten times a second, so that time shows where it goes (sampling, as profilers do). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { ActivityLog } from './activity-log.ts';
import type { ServerActivity, StageEvidence } from './record.ts';

const intervalMs = 100;
/** Ages of statements: below 1, 2, 4, ... 16,384 ms, and above. */
export const ageClasses = 16;

// The server's sessions are looked through once: each of the parts would otherwise cost as much again. The age is the class of ageClasses that the statement belongs to. Sessions that are
// idle wait for the client, which is no time of the server's. The checkpointer is at work unless it waits in its main
// loop; roles that may not see what it waits for see nothing. The text of an autovacuum worker says what it does to which table. Whoever
// waits for a lock waits for the sessions of pg_blocking_pids: those that hold it, and those that queue for it before. A session that is
// idle in its transaction still has the identifier of its last statement.
const look = `
  WITH sessions AS MATERIALIZED (
         SELECT pid, application_name, backend_type, state, wait_event_type, wait_event, query_start, query_id, query
           FROM pg_stat_activity
          WHERE datname = current_database()
                AND (application_name = 'pgrehearse load' AND (state = 'active' OR wait_event_type = 'Lock')
                     OR backend_type = 'autovacuum worker' AND query LIKE 'autovacuum: %')
             OR backend_type = 'checkpointer' AND wait_event <> 'CheckpointerMain')
  SELECT 'load' AS kind, coalesce(wait_event_type || ': ' || wait_event, 'running') AS event, NULL AS blocker,
         least(${ageClasses - 1}, greatest(0, 1 + floor(log(2, greatest(0.001, 1000 * extract(epoch FROM clock_timestamp() - query_start))))))::int AS age,
         count(*)::int AS seen
    FROM sessions
   WHERE application_name = 'pgrehearse load'
   GROUP BY 2, 4
  UNION ALL
  SELECT 'own', CASE backend_type WHEN 'checkpointer' THEN 'checkpoint' ELSE query END, NULL, NULL, 1
    FROM sessions
   WHERE backend_type IN ('checkpointer', 'autovacuum worker')
  UNION ALL
  SELECT 'blocked', waiting.query_id::text, coalesce(holding.query_id::text, holding.backend_type), NULL, count(*)::int
    FROM sessions waiting
   CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS held (pid)
    JOIN pg_stat_activity holding ON holding.pid = held.pid
   WHERE waiting.application_name = 'pgrehearse load' AND waiting.wait_event_type = 'Lock' AND waiting.query_id IS NOT NULL
   GROUP BY 2, 3`;

interface Sighting {
  kind: 'load' | 'own' | 'blocked';
  /** Of who is blocked, the identifier of its statement. */
  event: string;
  /** The identifier of a statement, or what kind of session it is. */
  blocker: string | null;
  /** Of the load's own: 0 for statements that have run for less than a millisecond, 1 for less than two. */
  age: number | null;
  seen: number;
}

/** Statements by their identifiers, as the server computes them. */
export interface Blocking {
  blocked: string;
  blocker: string;
  seen: number;
}

/** Looks until it is stopped. */
export class WaitProfile {
  readonly #client: Client;
  /** By event and age. */
  readonly #seen = new Map<string, number[]>();
  readonly #blockings = new Map<string, Blocking>();
  readonly #activities = new ActivityLog();
  readonly #running: Promise<void>;
  #looks = 0;
  #stopped = false;

  /** @param client of its own, which it does not close */
  constructor(client: Client) {
    this.#client = client;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      // A look that fails is missing; whoever needs the server tells why.
      const { rows } = await this.#client
        .query<Sighting>({ name: 'waits', text: look })
        .catch(() => ({ rows: [] as Sighting[] }));
      this.#looks++;
      for (const row of rows) this.#note(row);
      const own = rows.filter(({ kind }) => kind === 'own').map(({ event }) => event);
      this.#activities.see(own, Date.now());
      await sleep(intervalMs);
    }
  }

  #note({ kind, event, blocker, age, seen }: Sighting): void {
    if (kind === 'load') {
      const ages = this.#seen.get(event) ?? Array<number>(ageClasses).fill(0);
      ages[age ?? 0]! += seen;
      this.#seen.set(event, ages);
    }
    if (kind !== 'blocked' || blocker === null) return;
    const key = `${event} ${blocker}`;
    const before = this.#blockings.get(key)?.seen ?? 0;
    this.#blockings.set(key, { blocked: event, blocker, seen: before + seen });
  }

  /** The profile, the commonest first, who waited for whose lock, and what the server did of its own. */
  async stop(): Promise<{ waits: StageEvidence['waits']; blockings: Blocking[]; activities: ServerActivity[] }> {
    this.#stopped = true;
    await this.#running;
    const shares = [...this.#seen]
      .map(([event, seenByAge]) => ({ event, seen: seenByAge.reduce((sum, seen) => sum + seen, 0), seenByAge }))
      .sort((a, b) => b.seen - a.seen);
    const blockings = [...this.#blockings.values()].sort((a, b) => b.seen - a.seen);
    return { waits: { looks: this.#looks, shares }, blockings, activities: this.#activities.stretches() };
  }
}
