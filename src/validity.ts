/** The validity gate: was the measurement itself sound? A measurement that is not sound proves nothing, least of all a pass. */
import type { PairedBlock } from './comparison/record.ts';
import { formatCount, formatMs, formatRate, formatShare, formatUs } from './report/format.ts';
import type { Block, Gate, RunResult } from './result.ts';
import type { SloSpec } from './scenario.ts';
import { finishedPairs } from './verdict/pairs.ts';

/** Share of the scheduled arrivals that the generator must have dealt with. */
const minAchievedShare = 0.995;
/** Highest 99th percentile of the generator's own lateness. */
const maxLatenessUs = 5000;
/**
 * In a stage that misses the limit anyway (it is saturated, or too many arrivals miss it by their wait for a connection or by their service
 * alone), lateness up to this share of the response time at the SLO's percentile changes nothing.
 */
const maxLatenessShare = 0.1;

/**
 * Invalid when something spoiled the figures; inconclusive when there is not enough of them (an unfinished run, a stage
 * without a block); pass otherwise.
 */
export function judgeValidity(result: RunResult): Gate {
  const faults = [
    ...missingRecords(result),
    ...result.blocks.flatMap((block) => blockFaults(block, result.slo)),
    ...missingTransactions(result),
    ...rowCountFaults(result),
    ...comparisonFaults(result),
  ];
  if (faults.length > 0) return { name: 'validity', outcome: 'invalid', reason: sentence(faults) };
  const gaps = evidenceGaps(result);
  if (gaps.length > 0) return { name: 'validity', outcome: 'inconclusive', reason: sentence(gaps) };
  return { name: 'validity', outcome: 'pass', reason: soundness(result) };
}

/** Why a run that is not complete proves nothing. */
export function unfinished({ status }: RunResult): string {
  return `the run did not finish (${status})`;
}

/** The first three faults in one sentence, and how many more there are. */
export function sentence(faults: readonly string[]): string {
  const more = faults.length > 3 ? `; and ${faults.length - 3} more` : '';
  return `${faults.slice(0, 3).join('; ')}${more}.`;
}

function soundness(result: RunResult): string {
  const complete = result.blocks.filter((block) => block.outcome === 'complete');
  if (complete.length === 0) return 'the generator kept up wherever the server did.';
  const worst = Math.max(...complete.map((block) => block.generator.lateness.p99Us));
  return `the generator kept up: p99 of its own lateness ${formatUs(worst)} at most, ${formatMs(maxLatenessUs / 1000)} allowed.`;
}

function missingRecords(result: RunResult): string[] {
  const records: [name: string, present: boolean][] = [
    ["pgrehearse's version", result.tool.version !== ''],
    ["Node's version", result.tool.node !== ''],
    ["PostgreSQL's version", result.server.version !== '' || result.server.kind === 'none'],
    ['the processor', result.host.cores > 0],
    ['the memory', result.host.memoryBytes > 0],
  ];
  const missing = records.filter(([, present]) => !present).map(([name]) => name);
  return missing.length > 0 ? [`not recorded: ${missing.join(', ')}`] : [];
}

function evidenceGaps(result: RunResult): string[] {
  if (result.status !== 'complete') return [unfinished(result)];
  if (result.stages.length === 0) return ['no stage was run'];
  const gaps: string[] = [];
  for (const stage of result.stages) {
    const blocks = result.blocks.filter((block) => block.stage === stage.name);
    if (blocks.every((block) => block.counts.scheduled === 0)) gaps.push(`stage ${stage.name} was not measured`);
    else if (blocks.some((block) => block.outcome === 'interrupted')) gaps.push(`stage ${stage.name} was interrupted`);
  }
  return gaps;
}

function blockFaults(block: Block, slo: SloSpec): string[] {
  const faults = countFaults(block);
  if (block.outcome === 'complete') faults.push(...offerFaults(block));
  if (block.outcome === 'interrupted') return faults;
  const late = latenessFault(block, slo);
  if (late !== undefined) faults.push(late);
  return faults;
}

/** Was the load generator itself too late for the block to prove anything? */
export function latenessFault({ id, outcome, generator, total, pool }: Block, slo: SloSpec): string | undefined {
  const { p99Us } = generator.lateness;
  const at = percentileBelow(slo.percentile);
  const slowest = Math.max(total.service[at], pool?.wait[at] ?? 0);
  const isOverloaded = outcome === 'saturated' || slowest > slo.limitMs * 1000;
  const allowedUs = Math.max(maxLatenessUs, isOverloaded ? total.response[at] * maxLatenessShare : 0);
  if (p99Us < allowedUs) return undefined;
  return `the load generator was late in block ${id}: p99 ${formatUs(p99Us)}, allowed ${formatUs(allowedUs)}`;
}

/** The highest percentile that blocks keep of all up to this one: what is above the limit there is so at the higher one too. */
function percentileBelow(percentile: number): 'p50Us' | 'p90Us' | 'p95Us' | 'p99Us' {
  if (percentile >= 99) return 'p99Us';
  if (percentile >= 95) return 'p95Us';
  return percentile >= 90 ? 'p90Us' : 'p50Us';
}

/** Share of the planned pairs that must have been measured, and of a block's arrivals that must have been offered. */
const minPairShare = 0.95;

/** Pairs of a finished run that are missing, or were not offered the load that they were to get. */
function comparisonFaults({ comparison, status }: RunResult): string[] {
  if (comparison === undefined || status !== 'complete') return [];
  const planned = comparison.plan.looks[0]!;
  const faults: string[] = [];
  for (const kind of ['change', 'same'] as const) {
    const pairs = finishedPairs(comparison, kind);
    const offered = pairs.filter(({ before, other }) => [before, other].every(wasOffered));
    if (offered.length >= planned[kind] * minPairShare) continue;
    const what = kind === 'change' ? 'pairs of the two stages' : 'pairs of two equal clones';
    faults.push(
      `only ${formatCount(offered.length)} of ${formatCount(planned[kind])} ${what} got the load that was planned`,
    );
  }
  return faults;
}

function wasOffered({ outcome, offered, scheduled }: PairedBlock): boolean {
  return outcome === 'saturated' || offered >= scheduled * minAchievedShare;
}

/** Every scheduled arrival has ended somewhere, once, in each of the three tables that count it. */
function countFaults(block: Block): string[] {
  const { scheduled, succeeded, failed, timedOut, unfinished } = block.counts;
  const total = (pick: (bin: { scheduled: number; missed: number }) => number) =>
    block.timeline.reduce((sum, bin) => sum + pick(bin), 0);
  const books: [name: string, expected: number, found: number][] = [
    ['outcomes', scheduled, succeeded + failed + timedOut + unfinished],
    ['arrivals over time', scheduled, total((bin) => bin.scheduled)],
    ['misses over time', block.missed, total((bin) => bin.missed)],
    ['arrivals by transaction', scheduled, block.transactions.reduce((sum, { counts }) => sum + counts.scheduled, 0)],
  ];
  return books
    .filter(([, expected, found]) => expected !== found)
    .map(
      ([name, expected, found]) =>
        `${name} of block ${block.id} do not add up: ${formatCount(found)} instead of ${formatCount(expected)}`,
    );
}

/** Was the load that was asked for also offered? */
function offerFaults(block: Block): string[] {
  const faults: string[] = [];
  const { scheduled } = block.counts;
  const achieved = scheduled === 0 ? 1 : block.generator.lateness.count / scheduled;
  if (achieved < minAchievedShare) {
    faults.push(
      `the load generator dealt with ${formatShare(achieved)} of the arrivals of block ${block.id}, ${formatShare(minAchievedShare)} needed`,
    );
  }
  // A changing rate has its mean at the planned end only.
  if (block.shape !== undefined && block.outcome !== 'complete') return faults;
  const planned = (block.ratePerSecond * block.measuredMs) / 1000;
  // Poisson arrivals vary by the square root of their number; four deviations happen once in 30,000 blocks.
  if (scheduled < planned * minAchievedShare - 4 * Math.sqrt(planned)) {
    const offered = (scheduled * 1000) / block.measuredMs;
    faults.push(`block ${block.id} offered ${formatRate(offered)} instead of ${formatRate(block.ratePerSecond)}`);
  }
  return faults;
}

/** Transactions of the scenario that never occurred in a stage that had the time for them. */
function missingTransactions(result: RunResult): string[] {
  return result.stages.flatMap((stage) => {
    const blocks = result.blocks.filter((block) => block.stage === stage.name && block.outcome === 'complete');
    if (blocks.length === 0) return [];
    const seen = new Set(
      blocks.flatMap((block) => block.transactions.filter((t) => t.counts.scheduled > 0).map((t) => t.name)),
    );
    const missing = result.scenario.transactions.filter(({ name, weight }) => weight > 0 && !seen.has(name));
    return missing.map(({ name }) => `transaction ${name} never occurred in stage ${stage.name}`);
  });
}

/** Tables that the seed filled hold the same number of rows in every stage that still has them. */
function rowCountFaults(result: RunResult): string[] {
  const seeded = result.seed?.tables ?? [];
  return result.stages.flatMap((stage) =>
    stage.relations.flatMap(({ table, rows }) => {
      const expected = seeded.find(({ name }) => name === table)?.rows;
      if (expected === undefined || expected === rows) return [];
      return [
        `table ${table} has ${formatCount(rows)} rows in stage ${stage.name}, seeded were ${formatCount(expected)}`,
      ];
    }),
  );
}
