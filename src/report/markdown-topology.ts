/** What stood beside and before the server of each stage, and how it did, in report.md. */
import type { Block, RunResult, StageResult } from '../result.ts';
import { formatBytes, formatCount, formatMs, formatPlural, formatUs } from './format.ts';
import { escapeText } from './markdown-text.ts';

/** A line for each replica and each pooler; nothing where servers were alone. */
export function topologies({ stages, blocks }: Pick<RunResult, 'stages' | 'blocks'>): string {
  const lines = stages.flatMap((stage) => {
    const block = blocks.find((one) => one.stage === stage.name);
    return [...replicaLine(stage, block), ...poolerLine(stage, block)];
  });
  if (lines.length === 0) return '';
  return ['Replicas and poolers:', '', ...lines].join('\n');
}

function replicaLine({ name, topology }: StageResult, block: Block | undefined): string[] {
  if (topology?.replica === undefined) return [];
  const reads = topology.replica.transactions.map((transaction) => escapeText(transaction)).join(', ');
  return [`- ${escapeText(name)}: a streaming replica carries out ${reads}; ${describeLag(block?.replicaLag)}`];
}

function describeLag(lag: Block['replicaLag']): string {
  if (lag === undefined) return 'its lag was not measured';
  const { p50Ms, p95Ms, p99Ms, maxMs, maxBytes, looks } = lag;
  return (
    `it lags by ${formatMs(p50Ms)} (p50), ${formatMs(p95Ms)} (p95), ${formatMs(p99Ms)} (p99), ${formatMs(maxMs)} and ` +
    `${formatBytes(maxBytes)} at most, in ${formatPlural(looks, 'look')}`
  );
}

function poolerLine({ name, topology }: StageResult, block: Block | undefined): string[] {
  if (topology?.pooler === undefined) return [];
  const { version, poolSize, prepared } = topology.pooler;
  const statements = prepared ? 'statements stay prepared' : 'statements are parsed whenever they are sent';
  const waits =
    block?.pooler === undefined
      ? ''
      : `; ${formatCount(block.pooler.transactions)} transactions waited ${formatUs(block.pooler.meanWaitUs)} for one on average`;
  return [
    `- ${escapeText(name)}: PgBouncer ${escapeText(version)} in transaction mode with ` +
      `${formatPlural(poolSize, 'connection')} to each server, ${statements}${waits}`,
  ];
}
