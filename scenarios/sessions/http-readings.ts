/** What the service tells of its cache and its pool right after the load. */
import type { HttpReadingSpec } from 'pgrehearse';

interface Counted {
  kind: string;
  lookups: number;
  hits: number;
}

const hits = (counted: readonly Counted[]): number => {
  const sum = (key: 'lookups' | 'hits') => counted.reduce((total, counts) => total + counts[key], 0);
  return sum('hits') / sum('lookups');
};

/** Stages with a cache. */
const stages = ['cache', 'redis', 'after'];

const ofCache = (description: string, unit: HttpReadingSpec['unit'], value: HttpReadingSpec['value']) => ({
  description,
  unit,
  path: '/database/cache-stats',
  value,
  stages,
});

const ofPool = (description: string, unit: HttpReadingSpec['unit'], value: HttpReadingSpec['value']) => ({
  description,
  unit,
  path: '/database/connections',
  value,
});

const kinds = { user: 'profiles', balance: 'balances', query: 'calls of a wallet', reports: "moderators' statistics" };

const hitsByKind = Object.entries(kinds).map(([kind, what]) => [
  `hits_${kind}`,
  ofCache(`Of these, ${what}`, 'share', (body: { kinds: Counted[] }) =>
    hits(body.kinds.filter((counted) => counted.kind === kind)),
  ),
]);

export const readings: Record<string, HttpReadingSpec> = {
  cache_hits: ofCache('Hits of the cache, by lookups', 'share', (body) => hits(body.kinds)),
  ...Object.fromEntries(hitsByKind),
  hit_p95: ofCache('p95 of a hit, in the service', 'ms', ({ times }) => times.hit.p95Ms),
  miss_mean: ofCache('Mean of a miss, in the service', 'ms', ({ times }) => times.miss.meanMs),
  miss_penalty: ofCache(
    'Penalty of a miss: its mean less that of a hit',
    'ms',
    ({ times }) => times.miss.meanMs - times.hit.meanMs,
  ),
  cache_bytes: ofCache('Size of the cache (Redis: all of its memory)', 'bytes', ({ store }) => store.bytes),
  pool_use: ofPool('Use of the pool: connections held, by its size', 'share', ({ pool }) => pool.utilisation),
  pool_efficiency: ofPool(
    'Of the time in which connections are held, a statement runs',
    'share',
    ({ pool }) => pool.efficiency,
  ),
  pool_wait: ofPool('Mean wait for a connection', 'ms', ({ wait }) => wait.meanMs),
  pool_wait_p95: ofPool('p95 of the wait for a connection', 'ms', ({ wait }) => wait.p95Ms),
  pool_timeouts: ofPool('Requests that got no connection in time', 'count', ({ pool }) => pool.timeouts),
};
