/** What a comparison keeps of a block. Pure. */
import { wrongAnswer, type Block } from '../result.ts';
import type { PairedBlock, Side } from './record.ts';

/** The figures of a block that pairs are judged by; `limitMs` is the SLO's. */
export function pairedBlock(side: Side, block: Block, limitMs: number): PairedBlock {
  const { startedAt, outcome, counts, missed, total, timeline, generator, transactions, samplesFile } = block;
  const { p50Us, p95Us, p99Us, maxUs } = total.response;
  return {
    side,
    startedAt,
    outcome,
    scheduled: counts.scheduled,
    offered: generator.lateness.count,
    missed,
    p50Us,
    p95Us,
    p99Us,
    maxUs,
    seconds: timeline.length,
    slowSeconds: timeline.filter((second) => second.p95Us > limitMs * 1000).length,
    latenessP99Us: generator.lateness.p99Us,
    transactions: transactions.map(({ name, counts, missed, response, errors }) => ({
      name,
      count: counts.scheduled,
      missed,
      p95Us: response.p95Us,
      ...(errors[wrongAnswer] === undefined ? {} : { wrong: errors[wrongAnswer].count }),
    })),
    samplesFile,
  };
}
