/** Pairs of blocks as evidence: which count, and how far p95 lies apart in each. */
import type { BlockPair, Comparison, HostLoad, PairedBlock, PairKind } from '../comparison/record.ts';
import type { ComparisonOutcome, Gate } from './record.ts';

/** Rules by which a pair is thrown away, fixed beforehand. None of them can see which stage ran. */
export const discardRules = {
  /** Time that the hypervisor gave to others, of all time. */
  maxStealShare: 0.05,
  /** CPU of processes that are not ours, in cores. */
  maxForeignCores: 0.25,
  /** p99 of the generator's own lateness. */
  maxLatenessUs: 5000,
} as const;

/** Fewer pairs than this prove nothing: their signed-rank interval is hardly narrower than they scatter. */
export const leastPairs = 12;

/** A pair of which both blocks ran to their end. */
export interface FinishedPair {
  number: number;
  kind: PairKind;
  /** On either clone of the first stage, where the other block is of the last. */
  before: PairedBlock;
  /** After, or the twin. */
  other: PairedBlock;
  /** Why it does not count; undefined when it does. */
  discarded: string | undefined;
}

/** All finished pairs of a kind, in their order. */
export function finishedPairs({ pairs }: Pick<Comparison, 'pairs'>, kind: PairKind): FinishedPair[] {
  return pairs.filter((pair) => pair.kind === kind).flatMap((pair) => finished(pair) ?? []);
}

function finished({ number, kind, blocks }: BlockPair): FinishedPair | undefined {
  const last = kind === 'change' ? 'after' : 'twin';
  const before = blocks.find(({ side }) => side !== last);
  const other = blocks.find(({ side }) => side === last);
  if (!before || !other || blocks.some(({ outcome }) => outcome === 'interrupted')) return undefined;
  return { number, kind, before, other, discarded: discardReason(before) ?? discardReason(other) };
}

function discardReason({ host, latenessP99Us }: PairedBlock): string | undefined {
  if (latenessP99Us >= discardRules.maxLatenessUs) return 'the load generator was late';
  return host === undefined ? undefined : hostReason(host);
}

function hostReason({ stealShare, foreignCores }: HostLoad): string | undefined {
  if (stealShare > discardRules.maxStealShare) return 'the hypervisor gave time to others';
  return foreignCores > discardRules.maxForeignCores ? 'other processes used the processor' : undefined;
}

/** ln(p95 of the other / p95 before) of each pair: 0 is equal, ln 2 twice as slow. */
export function logRatios(pairs: readonly FinishedPair[], transaction?: string): number[] {
  return pairs.flatMap(({ before, other }) => {
    const [from, to] = [p95Of(before, transaction), p95Of(other, transaction)];
    return from === undefined || to === undefined ? [] : [Math.log(to / from)];
  });
}

/** Fewer samples than this have no p95 worth the name: the second largest of twenty. */
const leastSamples = 20;

/** p95 of a block, or of one transaction in it; undefined where too few arrivals back it. */
export function p95Of(block: PairedBlock, transaction?: string): number | undefined {
  const figures =
    transaction === undefined
      ? { count: block.scheduled, p95Us: block.p95Us }
      : block.transactions.find(({ name }) => name === transaction);
  // Below a microsecond the clock has nothing to tell; and a logarithm needs a positive number.
  return figures === undefined || figures.count < leastSamples ? undefined : Math.max(1, figures.p95Us);
}

/** @param gate one of those that the comparison was judged by */
export function outcomeOf(comparison: Comparison, { outcome, reason, estimate }: Gate): ComparisonOutcome {
  const pairs = finishedPairs(comparison, 'change');
  return {
    startedAt: comparison.pairs[0]!.blocks[0]!.startedAt,
    outcome,
    reason,
    ...(estimate === undefined ? {} : { estimate }),
    pairs: pairs.length,
    discarded: pairs.filter(({ discarded }) => discarded !== undefined).length,
  };
}
