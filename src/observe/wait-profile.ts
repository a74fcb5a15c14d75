/** What the load's sessions wait for: looked at ten times a second, so that time shows where it goes (sampling, as profilers do). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { ActivityLog } from './activity-log.ts';
import type { ServerActivity, StageEvidence, WaitShare } from './record.ts';

const intervalMs = 100;

// Sessions that are idle wait for the client, which is no time of the server's. The checkpointer is at work unless it waits in its main
// loop; roles that may not see what it waits for see nothing. The text of an autovacuum worker says what it does to which table.
const look = `
  SELECT 'load' AS kind, coalesce(wait_event_type || ': ' || wait_event, 'running') AS event, count(*)::int AS seen
    FROM pg_stat_activity
   WHERE datname = current_database() AND application_name = 'pgrehearse load'
     AND (state = 'active' OR wait_event_type = 'Lock')
   GROUP BY 2
  UNION ALL
  SELECT 'own', CASE backend_type WHEN 'checkpointer' THEN 'checkpoint' ELSE query END, 1
    FROM pg_stat_activity
   WHERE backend_type = 'checkpointer' AND wait_event <> 'CheckpointerMain'
      OR backend_type = 'autovacuum worker' AND datname = current_database() AND query LIKE 'autovacuum: %'`;

interface Sighting extends WaitShare {
  kind: 'load' | 'own';
}

/** Looks until it is stopped. */
export class WaitProfile {
  readonly #client: Client;
  readonly #seen = new Map<string, number>();
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
      for (const { kind, event, seen } of rows) {
        if (kind === 'load') this.#seen.set(event, (this.#seen.get(event) ?? 0) + seen);
      }
      const own = rows.filter(({ kind }) => kind === 'own').map(({ event }) => event);
      this.#activities.see(own, Date.now());
      await sleep(intervalMs);
    }
  }

  /** The profile, the commonest first, and what the server did of its own. */
  async stop(): Promise<{ waits: StageEvidence['waits']; activities: ServerActivity[] }> {
    this.#stopped = true;
    await this.#running;
    const shares = [...this.#seen].map(([event, seen]) => ({ event, seen })).sort((a, b) => b.seen - a.seen);
    return { waits: { looks: this.#looks, shares }, activities: this.#activities.stretches() };
  }
}
