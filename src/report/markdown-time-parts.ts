/** Where the response time of each stage went: the generator, the pool, the server, the rest of the answer; in report.md. */
import type { StageEvidence } from '../observe/record.ts';
import type { Block, Percentiles, RunResult } from '../result.ts';
import { formatShare, formatUs } from './format.ts';
import { details, escapeText, table, toRight } from './markdown-text.ts';

/** A sentence for the last stage; folded away, rows for each block. Percentiles of parts do not add up to those of the whole. */
export function timeParts({ blocks, evidence = [] }: Pick<RunResult, 'blocks' | 'evidence'>): string {
  const last = blocks.at(-1);
  if (last === undefined) return '';
  const header = ['Stage', 'Time', ...['p50', 'p95', 'p99', 'Max'].map(toRight)];
  const rows = details('Where the response time went', table(header, blocks.flatMap(rowsOf)));
  const waits = evidence.find(({ stage }) => stage === last.stage)?.waits;
  return [timeSentence(last, waits), rows].filter((part) => part !== '').join('\n\n');
}

/** Of the mean, because parts of it add up; the server's part by the looks at its sessions. */
function timeSentence({ stage, total }: Block, waits: StageEvidence['waits'] | undefined): string {
  const looks = waits?.shares.reduce((sum, { seen }) => sum + seen, 0) ?? 0;
  if (looks === 0 || total.response.meanUs === 0) return '';
  const seen = Map.groupBy(waits!.shares, ({ event }) => event.split(':')[0]!);
  const kinds = [...seen].map(([kind, shares]) => ({
    kind,
    share: shares.reduce((sum, share) => sum + share.seen, 0) / looks,
  }));
  const told = kinds
    .toSorted((a, b) => b.share - a.share)
    .map(({ kind, share }) => `${kindNames[kind] ?? `waited for ${kind}`} ${formatShare(share)}`);
  const before = formatShare(total.wait.meanUs / total.response.meanUs);
  return escapeText(
    `Of the mean response time of "${stage}", ${before} went by before the send. While the server was at work, its sessions ${told.join(', ')} of the time.`,
  );
}

/** By PostgreSQL's kinds of wait events (manual, 27.2.3). */
const kindNames: Record<string, string> = {
  running: 'were running',
  IO: 'waited for a disk',
  Lock: 'waited for locks of others',
  LWLock: 'waited for shared memory',
  Client: 'waited for the client',
};

function rowsOf({ stage, total, generator, pool }: Block): string[][] {
  const { response, wait, firstByte, service } = total;
  const parts: [name: string, Percentiles | undefined][] = [
    ['response, from due to end', response],
    ['wait, from due to the send', wait],
    ['of it the generator was late by', generator.lateness],
    ['of it the pool had no connection', pool?.wait],
    ['first byte, from the send', firstByte],
    ['service, from the send to the end', service],
  ];
  const known = parts.flatMap(([name, times]) => (times === undefined ? [] : [{ name, times }]));
  return known.map(({ name, times: { p50Us, p95Us, p99Us, maxUs } }, place) => [
    place === 0 ? escapeText(stage) : '',
    name,
    ...[p50Us, p95Us, p99Us, maxUs].map(formatUs),
  ]);
}
