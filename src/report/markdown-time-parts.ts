/** Where the response time of each stage went: the generator, the pool, the server, the rest of the answer; in report.md. */
import type { StageEvidence, WaitShare } from '../observe/record.ts';
import type { Block, Percentiles, RunResult } from '../result.ts';
import { formatMs, formatShare, formatUs } from './format.ts';
import { details, escapeText, table, toRight } from './markdown-text.ts';

/** A sentence for the last stage; folded away, rows for each block. Percentiles of parts do not add up to those of the whole. */
export function timeParts({ blocks, evidence = [] }: Pick<RunResult, 'blocks' | 'evidence'>): string {
  const last = blocks.at(-1);
  if (last === undefined) return '';
  const header = ['Stage', 'Time', ...['p50', 'p95', 'p99', 'Max'].map(toRight)];
  const times = [table(header, blocks.flatMap(rowsOf)), priority(blocks)].filter((part) => part !== '');
  const rows = details('Where the response time went', times.join('\n\n'));
  const waits = evidence.find(({ stage }) => stage === last.stage)?.waits;
  return [timeSentence(last, waits), rows].filter((part) => part !== '').join('\n\n');
}

/** A reader who compares latenesses of two machines has to know it. */
function priority(blocks: readonly Block[]): string {
  if (blocks.some(({ generator }) => generator.realTime === true)) {
    return 'The load generator ran before all other processes of the machine (real-time scheduling).';
  }
  const nice = blocks.find(({ generator }) => generator.niceness !== undefined)?.generator.niceness;
  return nice === undefined
    ? ''
    : `The load generator had more weight than other processes of the machine (niceness ${nice}).`;
}

/** Parts of the response times near p95, or in older results of the mean: both add up. The server's part by the looks at its sessions. */
function timeSentence(block: Block, waits: StageEvidence['waits'] | undefined): string {
  const parts = partsSentence(block);
  const slow = waitsOf(waits?.shares ?? [], (block.nearP95?.serverUs ?? 0) / 2000);
  if (slow === undefined) return block.nearP95 === undefined ? '' : escapeText(parts);
  if (parts === '') return '';
  const told = slow.kinds.map(({ kind, share }) => `${kindNames[kind] ?? `waited for ${kind}`} ${formatShare(share)}`);
  return escapeText(`${parts} While the server was at work${slow.on}, its sessions ${told.join(', ')} of the time.`);
}

function partsSentence({ stage, total, nearP95 }: Block): string {
  if (nearP95 === undefined) {
    if (total.response.meanUs === 0) return '';
    const before = formatShare(total.wait.meanUs / total.response.meanUs);
    return `Of the mean response time of "${stage}", ${before} went by before the send.`;
  }
  const { lateUs, poolUs, serverUs, restUs } = nearP95;
  const wholeUs = lateUs + poolUs + serverUs + restUs;
  const parts = [
    `${formatShare(serverUs / wholeUs)} went by until the first byte of the answer`,
    `${formatShare(restUs / wholeUs)} from there to its end, further statements included`,
    `${formatShare(poolUs / wholeUs)} before that in the queue for a connection`,
    `${formatShare(lateUs / wholeUs)} in the load generator`,
  ];
  return `Of a response time near the p95 of "${stage}" (${formatUs(wholeUs)} on average), ${parts.join(', ')}.`;
}

/** Fewer sightings of slow statements tell no shares. */
const leastSightings = 30;

/** Kinds of waits, the commonest first: of statements that had run for so long, where enough of them were seen, else of all. */
function waitsOf(shares: readonly WaitShare[], slowMs: number) {
  const from = slowMs <= 0 ? 0 : 1 + Math.ceil(Math.log2(slowMs));
  const slow = shares.map(({ event, seenByAge = [] }) => ({ event, seen: sumOf(seenByAge.slice(Math.max(0, from))) }));
  const enough = from >= 1 && sumOf(slow.map(({ seen }) => seen)) >= leastSightings;
  const chosen = enough ? slow : shares;
  const looks = sumOf(chosen.map(({ seen }) => seen));
  if (looks === 0) return undefined;
  const byKind = Map.groupBy(chosen, ({ event }) => event.split(':')[0]!);
  const kinds = [...byKind]
    .map(([kind, own]) => ({ kind, share: sumOf(own.map(({ seen }) => seen)) / looks }))
    .filter(({ share }) => share > 0)
    .toSorted((a, b) => b.share - a.share);
  return { kinds, on: enough ? ` on statements of ${formatMs(2 ** (from - 1))} and more` : '' };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** By PostgreSQL's kinds of wait events (manual, 27.2.3). */
const kindNames: Record<string, string> = {
  running: 'were running',
  IO: 'waited for a disk',
  Lock: 'waited for locks of others',
  LWLock: 'waited for shared memory',
  Client: 'waited for the client',
  IPC: 'waited for other processes of the server',
  BufferPin: 'waited for a page that others read',
  Timeout: 'slept',
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
