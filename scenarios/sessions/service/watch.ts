/** Brings what the parts count to the alerts. */
import { judge } from './alerts.ts';
import type { Parts } from './parts.ts';

/** Looks at what came since the last look, and raises or ends alerts. Run every minute by the jobs. */
export class Watch {
  readonly #parts: Parts;
  #seen = { lookups: 0, hits: 0, timeouts: 0 };

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  look(): void {
    const { monitor, cache, database, alerts } = this.#parts;
    const pool = database.pool();
    const totals = { ...cache.totals(), timeouts: pool.timeouts };
    const seen = this.#seen;
    this.#seen = totals;
    const requests = monitor.requests.takeRecent();
    const sum = (key: 'calls' | 'errors') => requests.reduce((total, route) => total + route[key], 0);
    alerts.update(
      judge({
        statements: monitor.statements.takeRecent(),
        requests: { calls: sum('calls'), errors: sum('errors') },
        cache: { lookups: totals.lookups - seen.lookups, hits: totals.hits - seen.hits },
        pool: { ...pool, timeouts: totals.timeouts - seen.timeouts },
      }),
    );
  }
}
