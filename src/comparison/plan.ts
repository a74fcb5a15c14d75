/** How a comparison is laid out: pairs of short blocks in a random order (docs/method.md). Pure. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { seededGenerator } from '../load/random.ts';
import type { ComparisonPlan, Look, PairKind, PresetName, Side } from './record.ts';

/** Blocks of the load's first block number belong to the stages alone, the second to the warm-up of the clones. */
export const warmupBlockNumber = 1;
const firstPairNumber = 2;

/** Servers alive at the same time: before, its twin, after. */
export const serversCompared = 3;

interface Preset {
  pairs: number;
  /** Looks at K, 2K, 4K pairs. */
  looks: number;
}

export const presets: Record<PresetName, Preset> = {
  quick: { pairs: 30, looks: 1 },
  standard: { pairs: 60, looks: 3 },
};

/**
 * One pair of the clones of the first stage for so many against the last, so that all three carry out the same number of blocks; but never
 * fewer than an interval at a third of the error needs.
 */
const changesPerSame = 2;
const leastSame = 6;

/** What the user may say; the preset has the rest. */
export interface ComparisonRequest {
  preset: PresetName;
  /** Pairs before the first look. */
  pairs?: number;
  looks?: number;
  blockMs?: number;
}

/** Shortest and longest block: shorter ones have too few arrivals, longer ones too few pairs for their time. */
export const blockLimitsMs = { least: 1000, most: 5000 } as const;

/** The layout of a comparison. `orderSeed` decides the order of blocks and nothing else. */
export function planComparison(request: ComparisonRequest, orderSeed: number, warmupMs: number): ComparisonPlan {
  const preset = presets[request.preset];
  const { pairs = preset.pairs, looks = preset.looks, blockMs = 3000 } = request;
  return {
    preset: request.preset,
    looks: Array.from({ length: looks }, (_, look) => lookAt(pairs * 2 ** look)),
    blockMs,
    washoutMs: blockMs / 6,
    warmupMs,
    orderSeed,
  };
}

function lookAt(change: number): Look {
  return { change, same: Math.max(leastSame, Math.ceil(change / changesPerSame)) };
}

/** A pair before it is measured. */
export interface PlannedPair {
  /** Also the number of its blocks: both get the arrivals and parameters of this number. */
  number: number;
  kind: PairKind;
  sides: [Side, Side];
}

/**
 * All pairs up to the last look, in their order. Between two looks, in every group of about three pairs one is of the two clones of the
 * first stage, at a random place (permuted blocks), so that both kinds see the same times; which side goes first is a coin toss.
 *
 * Against the last stage stands whichever clone of the first has carried out less so far: caches grow warmer with every block, and
 * what had more of them would seem faster.
 */
export function plannedPairs({ looks, orderSeed }: Pick<ComparisonPlan, 'looks' | 'orderSeed'>): PlannedPair[] {
  const random = seededGenerator(orderSeed);
  const kinds = looks.flatMap((look, at) => kindsUntil(look, looks[at - 1], random));
  const blocks = { before: 0, twin: 0, after: 0 };
  return kinds.map((kind, at) => {
    const [one, other]: [Side, Side] = kind === 'same' ? ['before', 'twin'] : [lessDriven(blocks, random), 'after'];
    blocks[one]++;
    blocks[other]++;
    const oneFirst = uniformInt(random, 0, 1) === 0;
    return { number: firstPairNumber + at, kind, sides: oneFirst ? [one, other] : [other, one] };
  });
}

function lessDriven({ before, twin }: Record<Side, number>, random: Random): Side {
  if (before === twin) return uniformInt(random, 0, 1) === 0 ? 'before' : 'twin';
  return before < twin ? 'before' : 'twin';
}

type Random = ReturnType<typeof seededGenerator>;

/** Kinds of the pairs between two looks. */
function kindsUntil(look: Look, before: Look | undefined, random: Random): PairKind[] {
  const kinds: PairKind[] = [];
  const { change: changed, same: equal } = before ?? { change: 0, same: 0 };
  for (let left = { change: look.change - changed, same: look.same - equal }; left.change + left.same > 0;) {
    const group = { change: Math.ceil(left.change / Math.max(1, left.same)), same: Math.min(left.same, 1) };
    left = { change: left.change - group.change, same: left.same - group.same };
    kinds.push(...shuffled(kindsOf(group), random));
  }
  return kinds;
}

function kindsOf({ change, same }: Look): PairKind[] {
  return [...Array<PairKind>(change).fill('change'), ...Array<PairKind>(same).fill('same')];
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = uniformInt(random, 0, last);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** How long the measuring of a look takes at least, from the first pair on. */
export function lookDurationMs({ blockMs }: Pick<ComparisonPlan, 'blockMs'>, { change, same }: Look): number {
  return (change + same) * 2 * blockMs;
}
