/** Judges a stored result by other thresholds. The result on disk stays as it is: a new verdict is not a new run. */
import { resolve } from 'node:path';
import { pairedBlock } from './comparison/paired-block.ts';
import type { BlockPair } from './comparison/record.ts';
import { UsageError } from './errors.ts';
import { summarise } from './load/recorder.ts';
import { readSamples } from './load/samples-file.ts';
import type { Block, RunResult } from './result.ts';
import { defaultGate, type SloSpec } from './scenario.ts';
import type { Thresholds } from './thresholds.ts';
import { judge } from './verdict.ts';

/**
 * A copy of the result with its thresholds replaced and its verdict reached anew. Another limit changes which arrivals missed it, so
 * they are counted again from the raw samples beside the result.
 *
 * @param folder of the result, where its samples are
 * @throws UsageError when the result is of a search or of single queries, or its samples are needed and missing.
 */
export async function rejudge(result: RunResult, folder: string, { slo, gate }: Thresholds): Promise<RunResult> {
  const { capacity, probe, calibration, tuning, liveMigration } = result;
  if ([capacity, probe, calibration, tuning, liveMigration].some((other) => other !== undefined)) {
    throw new UsageError('This result has no stages at one rate: there is nothing for a gate to judge.', {
      hint: 'Name a result of `pgrehearse run`.',
    });
  }
  const judged = { ...result, slo: { ...result.slo, ...slo }, gate: { ...defaultGate, ...result.gate, ...gate } };
  if (judged.slo.limitMs !== result.slo.limitMs) await recount(judged, folder);
  return { ...judged, verdict: judge(judged) };
}

async function recount(result: RunResult, folder: string): Promise<void> {
  const again = (samplesFile: string): Promise<Block> => blockAgain(resolve(folder, samplesFile), result.slo);
  const blocks: Block[] = [];
  for (const block of result.blocks) {
    const { missed, transactions, timeline } = await again(block.samplesFile);
    blocks.push({ ...block, missed, transactions, timeline });
  }
  result.blocks = blocks;
  if (result.comparison === undefined) return;
  const pairs: BlockPair[] = [];
  for (const pair of result.comparison.pairs) {
    const recounted = [];
    for (const block of pair.blocks) {
      const { missed, slowSeconds, transactions } = pairedBlock(
        block.side,
        await again(block.samplesFile),
        result.slo.limitMs,
      );
      recounted.push({ ...block, missed, slowSeconds, transactions });
    }
    pairs.push({ ...pair, blocks: recounted });
  }
  result.comparison = { ...result.comparison, pairs };
}

async function blockAgain(path: string, slo: SloSpec): Promise<Block> {
  const { block, samples } = await readSamples(path);
  return summarise(block, samples, slo, path);
}
