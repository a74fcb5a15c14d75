import type { ClaimSpec } from 'pgrehearse';

const line = (number: number) => `source document, line ${number}`;

/** The reads that the document's indexes are for: calls, matches and reports are looked up by address, time and status. */
const indexedReads = ['session_history', 'match_check', 'moderation_stats'];

/** "<50ms" and "~200ms" are said of the p95 of all requests; here of each read that the indexes are for. */
const readTimes: ClaimSpec[] = indexedReads.flatMap((transaction): ClaimSpec[] => {
  const measure = { kind: 'latency', transaction, statistic: 'p95', time: 'response' } as const;
  return [
    {
      text: `p95 was about 200 ms before: ${transaction}`,
      source: line(7),
      stage: 'before',
      measure: { ...measure, time: 'service' },
      atLeast: 150,
      atMost: 250,
    },
    {
      text: `p95 is below 50 ms with all indexes: ${transaction}`,
      source: line(27),
      stage: 'indexes',
      measure,
      atMost: 50,
    },
    { text: `p95 is below 50 ms in the end: ${transaction}`, source: line(7), stage: 'after', measure, atMost: 50 },
  ];
});

/** What the document says of the service as it was, and promises for the end of its plan. */
export const claims: ClaimSpec[] = [
  ...readTimes,
  {
    text: '100 requests a second were served before',
    source: line(168),
    stage: 'before',
    measure: { kind: 'heldRate' },
    atLeast: 100,
  },
  {
    text: '250 requests a second are served once everything is in place',
    source: line(169),
    stage: 'monitoring',
    measure: { kind: 'heldRate' },
    atLeast: 250,
  },
  {
    text: 'Telemetry is as fast as before although the table grows: statistics by partition',
    source: line(41),
    stage: 'partitions',
    measure: { kind: 'latency', transaction: 'moderation_stats', statistic: 'p95', time: 'response', class: 'wallet' },
    atMost: 50,
  },
  {
    text: "Profiles, the document's example of a statement, are read in less than 10 ms (it says: from the cache)",
    source: line(36),
    stage: 'after',
    measure: { kind: 'latency', transaction: 'user_profile', statistic: 'p95', time: 'response' },
    atMost: 10,
  },
  {
    text: 'A statement that the cache does not answer took 45 ms without it',
    source: line(174),
    stage: 'before',
    measure: { kind: 'latency', transaction: 'user_profile', statistic: 'p50', time: 'service' },
    atLeast: 40,
    atMost: 50,
  },
];
