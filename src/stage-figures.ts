/** What a stage did, over all of its blocks: the figures that the verdict, the claims and the reports have in common. */
import type { Block, RunResult } from './result.ts';
import { estimateMissShare } from './stats/miss-share.ts';
import type { ShareEstimate } from './stats/miss-share.ts';

export interface StageFigures {
  stage: string;
  blocks: Block[];
  /** The block whose percentiles stand for the stage: percentiles of several blocks cannot be added up. */
  mainBlock: Block;
  /** The first block that the stage could not get through at the offered rate. */
  saturatedBlock: Block | undefined;
  /** Transactions a second that succeeded; of a saturated stage, the rate that it did hold. */
  heldPerSecond: number;
  /** Share of arrivals that missed the SLO; undefined when there was no arrival. */
  misses: ShareEstimate | undefined;
}

/** Figures of a stage, or undefined when it has no block. */
export function figuresOf(result: RunResult, stage: string): StageFigures | undefined {
  const blocks = result.blocks.filter((block) => block.stage === stage);
  const mainBlock = longest(blocks.filter((block) => block.outcome === 'complete')) ?? longest(blocks);
  if (!mainBlock) return undefined;
  const saturatedBlock = blocks.find((block) => block.outcome === 'saturated');
  const bins = blocks.flatMap((block) => block.timeline);
  return {
    stage,
    blocks,
    mainBlock,
    saturatedBlock,
    heldPerSecond: saturatedBlock?.saturation?.heldPerSecond ?? succeededPerSecond(blocks),
    misses: bins.some((bin) => bin.scheduled > 0) ? estimateMissShare(bins) : undefined,
  };
}

/** The share of arrivals that may miss the limit: 0.05 for p95. */
export function missMargin(percentile: number): number {
  return (100 - percentile) / 100;
}

function longest(blocks: Block[]): Block | undefined {
  return blocks.toSorted((a, b) => b.measuredMs - a.measuredMs)[0];
}

function succeededPerSecond(blocks: Block[]): number {
  const measuredMs = blocks.reduce((total, block) => total + block.measuredMs, 0);
  const succeeded = blocks.reduce((total, block) => total + block.counts.succeeded, 0);
  return measuredMs > 0 ? (succeeded * 1000) / measuredMs : 0;
}
