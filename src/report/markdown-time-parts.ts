/** Where the response time of each stage went: the generator, the pool, the server, the rest of the answer; in report.md. */
import type { Block, Percentiles, RunResult } from '../result.ts';
import { formatUs } from './format.ts';
import { details, escapeText, table, toRight } from './markdown-text.ts';

/** Folded away: rows for each block that drove a stage. Percentiles of parts do not add up to those of the whole. */
export function timeParts({ blocks }: Pick<RunResult, 'blocks'>): string {
  if (blocks.length === 0) return '';
  const header = ['Stage', 'Time', ...['p50', 'p95', 'p99', 'Max'].map(toRight)];
  return details('Where the response time went', table(header, blocks.flatMap(rowsOf)));
}

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
