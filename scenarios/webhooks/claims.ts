import type { ClaimSpec } from 'pgrehearse';

const promise = (line: number) => `source document, line ${line}`;
const secondMs = 1000;

/** Sizes in the document are PostgreSQL's, which counts in powers of two. */
const gibibyte = 2 ** 30;

/** What the document says of the service as it was, and promises for the end of its plan. */
export const claims: ClaimSpec[] = [
  {
    text: 'Dashboard statements took 50 to 300 s',
    source: promise(56),
    stage: 'before',
    measure: { kind: 'latency', transaction: 'dashboard', statistic: 'max', time: 'service', class: 'whale' },
    atLeast: 50 * secondMs,
  },
  {
    text: 'Event listing took 71 to 306 s',
    source: promise(69),
    stage: 'before',
    measure: { kind: 'latency', transaction: 'event_list', statistic: 'max', time: 'service', class: 'whale' },
    atLeast: 71 * secondMs,
  },
  {
    text: 'Time series took 29 to 276 s',
    source: promise(86),
    stage: 'before',
    measure: { kind: 'latency', transaction: 'timeseries', statistic: 'max', time: 'service', class: 'whale' },
    atLeast: 29 * secondMs,
  },
  {
    text: 'Throughput was 2 to 3 queries a second',
    source: promise(380),
    stage: 'before',
    measure: { kind: 'heldRate' },
    atLeast: 2,
    atMost: 3,
  },
  {
    text: 'The database took 7 GB',
    source: promise(378),
    stage: 'before',
    measure: { kind: 'databaseBytes' },
    atLeast: 6.5 * gibibyte,
    atMost: 7.5 * gibibyte,
  },
  {
    text: 'A dashboard loads in under 1 s',
    source: promise(375),
    stage: 'after',
    measure: { kind: 'latency', transaction: 'dashboard', statistic: 'p99', time: 'response' },
    atMost: secondMs,
  },
  {
    text: "The largest customer's dashboard loads in under 100 ms",
    source: promise(212),
    stage: 'after',
    measure: { kind: 'latency', transaction: 'dashboard', statistic: 'p95', time: 'response', class: 'whale' },
    atMost: 100,
  },
  {
    text: 'A page of events loads in under 500 ms',
    source: promise(376),
    stage: 'after',
    measure: { kind: 'latency', transaction: 'event_list', statistic: 'p99', time: 'response' },
    atMost: 500,
  },
  {
    text: 'A time series loads in under 2 s',
    source: promise(377),
    stage: 'after',
    measure: { kind: 'latency', transaction: 'timeseries', statistic: 'p99', time: 'response' },
    atMost: 2 * secondMs,
  },
  {
    text: 'Throughput is 200 to 500 queries a second',
    source: promise(380),
    stage: 'after',
    measure: { kind: 'heldRate' },
    atLeast: 200,
  },
  {
    text: 'The database takes 7.5 GB with the aggregates',
    source: promise(378),
    stage: 'after',
    measure: { kind: 'databaseBytes' },
    atMost: 7.5 * gibibyte,
  },
];
