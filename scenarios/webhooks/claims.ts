/** What the document says of the service as it was, and promises for the phases of its plan. */
import type { ClaimSpec } from 'pgrehearse';
import { listedIndexes } from './readings.ts';

type ClaimMeasure = ClaimSpec['measure'];

const line = (number: number) => `source document, line ${number}`;
const secondMs = 1000;

/** Sizes in the document are PostgreSQL's, which counts in powers of two. */
const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

/** A size is reproduced when it is within a tenth: the document rounds, and its tables had years of bloat. */
const about = (value: number) => ({ atLeast: 0.9 * value, atMost: 1.1 * value });

/**
 * The table of expected improvements, lines 375 to 377. Times of single statements, of the largest customer, without load: the
 * service ran two or three at a time. `pgrehearse probe` measures them.
 */
const improvements = [
  { what: 'A dashboard', transaction: 'dashboard', line: 375, before: [50, 300], phase1: [10, 30], phase3: 1 },
  { what: 'A page of events', transaction: 'event_list', line: 376, before: [71, 306], phase1: [5, 10], phase3: 0.5 },
  { what: 'A time series', transaction: 'timeseries', line: 377, before: [29, 276], phase1: [5, 15], phase3: 2 },
] as const;

function improvementClaims({ what, transaction, line: number, before, phase1, phase3 }: (typeof improvements)[number]) {
  const measure: ClaimMeasure = { kind: 'probe', transaction, statistic: 'max', class: 'whale' };
  const source = line(number);
  const claims: ClaimSpec[] = [
    {
      text: `${what} took ${before[0]} to ${before[1]} s`,
      source,
      stage: 'before',
      measure,
      atLeast: before[0] * secondMs,
      atMost: before[1] * secondMs,
    },
    // Of an improvement, faster than promised is no broken promise.
    {
      text: `${what} takes ${phase1[0]} to ${phase1[1]} s after phase 1`,
      source,
      stage: 'phase-1',
      measure,
      atMost: phase1[1] * secondMs,
    },
    {
      text: `${what} takes less than ${phase3} s after phases 2 and 3`,
      source,
      stage: 'phase-3',
      measure,
      atMost: phase3 * secondMs,
    },
    {
      text: `${what} takes less than ${phase3} s, held at the full rate`,
      source,
      stage: 'after',
      measure: { kind: 'latency', transaction, statistic: 'p99', time: 'response' },
      atMost: phase3 * secondMs,
    },
  ];
  return claims;
}

function size(text: string, number: number, measure: ClaimMeasure, bytes: number, stage = 'before'): ClaimSpec {
  return { text, source: line(number), stage, measure, ...about(bytes) };
}

const eventsBytes = (part: 'heap' | 'indexes' | 'total'): ClaimMeasure => ({
  kind: 'relationBytes',
  table: 'events',
  part,
});

const sizes: ClaimSpec[] = [
  { ...size('events has 4.7 million rows', 31, { kind: 'rows', table: 'events' }, 4.7e6), ...rounded(4.7e6) },
  {
    ...size('delivery_attempts has 5.6 million rows', 32, { kind: 'rows', table: 'delivery_attempts' }, 5.6e6),
    ...rounded(5.6e6),
  },
  size('events takes 4.3 GB', 31, eventsBytes('total'), 4.3 * gibibyte),
  size('events without its indexes takes 2.8 GB', 31, eventsBytes('heap'), 2.8 * gibibyte),
  size('indexes of events take 1.5 GB', 31, eventsBytes('indexes'), 1.5 * gibibyte),
  size(
    'delivery_attempts takes 2.3 GB',
    32,
    { kind: 'relationBytes', table: 'delivery_attempts', part: 'total' },
    2.3 * gibibyte,
  ),
  size('The database takes 7 GB', 378, { kind: 'databaseBytes' }, 7 * gibibyte),
  size('The database takes 6 GB after phase 1', 378, { kind: 'databaseBytes' }, 6 * gibibyte, 'phase-1'),
  size('The database takes 7.5 GB after phases 2 and 3', 378, { kind: 'databaseBytes' }, 7.5 * gibibyte, 'phase-3'),
];

/** A number of millions with one digit. */
function rounded(rows: number) {
  return { atLeast: rows - 0.05e6, atMost: rows + 0.05e6 };
}

const unusedIndexes: ClaimSpec[] = [
  {
    text: 'More than 1 GB of indexes is unused',
    source: line(35),
    stage: 'before',
    measure: { kind: 'reading', reading: 'unused_index_bytes', unit: 'bytes' },
    atLeast: gibibyte,
  },
  ...Object.entries(listedIndexes).flatMap(([name, { megabytes, line: number }]): ClaimSpec[] => [
    size(
      `${name} takes ${megabytes} MB`,
      number,
      { kind: 'reading', reading: `${name}_bytes`, unit: 'bytes' },
      megabytes * mebibyte,
    ),
    {
      text: `${name} is never scanned`,
      source: line(number),
      stage: 'before',
      measure: { kind: 'reading', reading: `${name}_scans`, unit: 'count' },
      atMost: 0,
    },
  ]),
];

const rates: ClaimSpec[] = [
  {
    text: 'Throughput was 2 to 3 queries a second',
    source: line(380),
    stage: 'before',
    measure: { kind: 'heldRate' },
    atLeast: 2,
    atMost: 3,
  },
  {
    text: 'Throughput is 20 to 30 queries a second after phase 1',
    source: line(380),
    stage: 'phase-1',
    measure: { kind: 'heldRate' },
    atLeast: 20,
  },
  ...['phase-3', 'after'].map((stage): ClaimSpec => ({
    text: 'Throughput is 200 to 500 queries a second after phases 2 and 3',
    source: line(380),
    stage,
    measure: { kind: 'heldRate' },
    atLeast: 200,
  })),
];

/** "Success metrics", and what the text promises beside its table. */
const successMetrics: ClaimSpec[] = [
  {
    text: "The largest customer's dashboard takes less than 100 ms with user_id",
    source: line(212),
    stage: 'phase-3',
    measure: { kind: 'probe', transaction: 'dashboard', statistic: 'max', class: 'whale' },
    atMost: 100,
  },
  {
    text: "The largest customer's dashboard takes less than 100 ms, held at the full rate",
    source: line(212),
    stage: 'after',
    measure: { kind: 'latency', transaction: 'dashboard', statistic: 'p95', time: 'response', class: 'whale' },
    atMost: 100,
  },
  {
    text: 'Dashboards load in less than 2 s',
    source: line(405),
    stage: 'after',
    measure: { kind: 'latency', transaction: 'dashboard', statistic: 'max', time: 'response' },
    atMost: 2 * secondMs,
  },
  {
    text: 'Event listings load in less than 1 s',
    source: line(406),
    stage: 'after',
    measure: { kind: 'latency', transaction: 'event_list', statistic: 'max', time: 'response' },
    atMost: secondMs,
  },
  {
    text: 'No statement is timed out',
    source: line(409),
    stage: 'after',
    measure: { kind: 'timeouts' },
    atMost: 0,
  },
  ...['dashboard', 'event_list', 'timeseries'].map((transaction): ClaimSpec => ({
    text: `No statement takes more than 5 s on average: ${transaction}`,
    source: line(410),
    stage: 'after',
    measure: { kind: 'latency', transaction, statistic: 'mean', time: 'service' },
    atMost: 5 * secondMs,
  })),
  {
    text: 'The database uses less than half of the processors',
    source: line(407),
    stage: 'after',
    measure: { kind: 'none', reason: 'server and load generator share the processors here' },
  },
  ...[379, 408].map((number): ClaimSpec => ({
    text: 'Memory in use goes from 7.4 to 6 of 7.8 GB',
    source: line(number),
    stage: 'after',
    measure: { kind: 'none', reason: 'it was that of a machine with the whole service, which is not here' },
  })),
];

export const claims: ClaimSpec[] = [
  ...improvements.flatMap(improvementClaims),
  ...rates,
  ...sizes,
  ...unusedIndexes,
  ...successMetrics,
];
