import type { ClaimSpec } from 'pgrehearse';

const line = (...numbers: number[]) => `source document, line ${numbers.join(', ')}`;
const p95OfAll = { kind: 'latency', statistic: 'p95', time: 'response' } as const;
const rate = { kind: 'heldRate' } as const;

/** The document's own load test, and what it says of cache and pool. Its rates are 100 and 250 a second; the load here is the second. */
export const claims: ClaimSpec[] = [
  {
    text: 'p95 was about 200 ms before',
    source: line(168),
    stage: 'before',
    measure: p95OfAll,
    atLeast: 150,
    atMost: 250,
  },
  { text: '100 requests a second were served before', source: line(168), stage: 'before', measure: rate, atLeast: 100 },
  { text: 'p95 is below 50 ms in the end', source: line(169), stage: 'redis', measure: p95OfAll, atMost: 50 },
  {
    text: '250 requests a second are served in the end',
    source: line(169),
    stage: 'redis',
    measure: rate,
    atLeast: 250,
  },
  {
    text: '70 % of lookups are hits',
    source: line(9, 36, 173),
    stage: 'redis',
    measure: { kind: 'reading', reading: 'cache_hits', unit: 'share' },
    atLeast: 0.7,
  },
  {
    text: 'A hit takes less than 10 ms',
    source: line(36),
    stage: 'redis',
    measure: { kind: 'reading', reading: 'hit_p95', unit: 'ms' },
    atMost: 10,
  },
  {
    text: 'A miss takes 15 ms',
    source: line(174),
    stage: 'redis',
    measure: { kind: 'reading', reading: 'miss_mean', unit: 'ms' },
    atMost: 15,
  },
  {
    text: 'Redis needs less than 100 MB',
    source: line(175),
    stage: 'redis',
    measure: { kind: 'reading', reading: 'cache_bytes', unit: 'bytes' },
    atMost: 100_000_000,
  },
  {
    text: '60 % of the pool are in use on average',
    source: line(178),
    stage: 'redis',
    measure: { kind: 'reading', reading: 'pool_use', unit: 'share' },
    atLeast: 0.5,
    atMost: 0.7,
  },
  {
    text: 'A connection is there in less than 10 ms on average',
    source: line(179),
    stage: 'redis',
    measure: { kind: 'reading', reading: 'pool_wait', unit: 'ms' },
    atMost: 10,
  },
  {
    text: '95 % of the connections in use process a statement',
    source: line(180),
    stage: 'redis',
    measure: { kind: 'reading', reading: 'pool_efficiency', unit: 'share' },
    atLeast: 0.95,
  },
];
