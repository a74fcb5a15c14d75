/** The four alerts of the source document, lines 107 to 110. */
import type { Clock } from './settings.ts';

export const alertLimits = { statementMs: 100, errorShare: 0.1, hitShare: 0.6 };

/** Shares of fewer than these say nothing. */
const fewestRequests = 20;
const fewestLookups = 100;

/** What was seen since the last look. */
export interface Observed {
  statements: readonly { name: string; calls: number; p95Ms: number }[];
  requests: { calls: number; errors: number };
  cache: { lookups: number; hits: number };
  pool: { max: number; inUse: number; waiting: number; timeouts: number };
}

export interface Alert {
  /** The same for the same trouble: "slow statement user_profile". */
  name: string;
  text: string;
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

/** A pure function of what was seen. The p95 stands for "query time": of the mean nobody would see a tail, one slow call is no alert. */
export function judge({ statements, requests, cache, pool }: Observed): Alert[] {
  const alerts: Alert[] = statements
    .filter(({ calls, p95Ms }) => calls > 0 && p95Ms > alertLimits.statementMs)
    .map(({ name, p95Ms }) => ({
      name: `slow statement ${name}`,
      text: `p95 is ${p95Ms.toFixed(0)} ms, more than ${alertLimits.statementMs} ms`,
    }));
  const errorShare = requests.errors / requests.calls;
  if (requests.calls >= fewestRequests && errorShare > alertLimits.errorShare) {
    alerts.push({ name: 'errors', text: `${percent(errorShare)} of ${requests.calls} requests failed` });
  }
  const hitShare = cache.hits / cache.lookups;
  if (cache.lookups >= fewestLookups && hitShare < alertLimits.hitShare) {
    alerts.push({ name: 'cache hits', text: `the cache answered ${percent(hitShare)} of ${cache.lookups} lookups` });
  }
  if (pool.timeouts > 0 || (pool.waiting > 0 && pool.inUse >= pool.max)) {
    alerts.push({
      name: 'pool exhausted',
      text: `${pool.inUse} of ${pool.max} connections in use, ${pool.waiting} wait, ${pool.timeouts} gave up`,
    });
  }
  return alerts;
}

export interface ActiveAlert extends Alert {
  since: Date;
}

/** Remembers which alerts are active, and tells about each once when it begins and once when it is over. */
export class AlertBoard {
  readonly #active = new Map<string, ActiveAlert>();
  readonly #clock: Clock;
  readonly #tell: (event: 'raised' | 'over', alert: ActiveAlert) => void;

  constructor(clock: Clock, tell: (event: 'raised' | 'over', alert: ActiveAlert) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  update(alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      const known = this.#active.get(alert.name);
      const active = { ...alert, since: known?.since ?? this.#clock() };
      this.#active.set(alert.name, active);
      if (known === undefined) this.#tell('raised', active);
    }
    for (const [name, alert] of this.#active) {
      if (alerts.some((still) => still.name === name)) continue;
      this.#active.delete(name);
      this.#tell('over', alert);
    }
  }

  active(): ActiveAlert[] {
    return [...this.#active.values()];
  }
}
