/** What the load's sessions wait for: looked at ten times a second, so that time shows where it goes (sampling, as profilers do). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { WaitShare } from './record.ts';

const intervalMs = 100;

// Sessions that are idle wait for the client, which is no time of the server's.
const look = `
  SELECT coalesce(wait_event_type || ': ' || wait_event, 'running') AS event, count(*)::int AS seen
    FROM pg_stat_activity
   WHERE datname = current_database() AND application_name = 'pgrehearse load'
     AND (state = 'active' OR wait_event_type = 'Lock')
   GROUP BY 1`;

/** Looks until it is stopped. */
export class WaitProfile {
  readonly #client: Client;
  readonly #seen = new Map<string, number>();
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
        .query<WaitShare>({ name: 'waits', text: look })
        .catch(() => ({ rows: [] as WaitShare[] }));
      this.#looks++;
      for (const { event, seen } of rows) this.#seen.set(event, (this.#seen.get(event) ?? 0) + seen);
      await sleep(intervalMs);
    }
  }

  /** The profile, the commonest first. */
  async stop(): Promise<{ looks: number; shares: WaitShare[] }> {
    this.#stopped = true;
    await this.#running;
    const shares = [...this.#seen].map(([event, seen]) => ({ event, seen })).sort((a, b) => b.seen - a.seen);
    return { looks: this.#looks, shares };
  }
}
