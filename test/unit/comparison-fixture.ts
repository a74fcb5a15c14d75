/** Comparisons for tests: pairs of blocks whose p95 follow from a ratio and a seeded scatter. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { planComparison, plannedPairs, type ComparisonRequest } from '../../src/comparison/plan.ts';
import type { Comparison, PairedBlock, PairKind, Side } from '../../src/comparison/record.ts';
import { buildResult, calmAfter } from './result-fixture.ts';
import type { RunResult } from '../../src/result.ts';

export interface ComparisonShape extends Partial<ComparisonRequest> {
  /** p95 of the other side over p95 before: in all, or by transaction. */
  change?: number;
  same?: number;
  byTransaction?: Record<string, number>;
  /** Standard deviation of ln p95 in each block. */
  scatter?: number;
  beforeP95Us?: number;
  /** Seed of the scatter. */
  seed?: number;
  /** ln p95 of the block at this place in the order of time, in place of independent scatter. */
  noise?: (place: number) => number;
  /** A block more often slow than not at all: probability of a slow second, by side. */
  slow?: Partial<Record<Side, number>>;
  /** Changes a block after it was made. */
  spoil?: (block: PairedBlock, pair: { number: number; kind: PairKind }) => void;
}

export const transactionsOfPairs = ['read', 'write', 'rare'];

export function buildComparison(shape: ComparisonShape = {}): Comparison {
  const { change = 1, same = 1, byTransaction = {}, scatter = 0.1, beforeP95Us = 20_000, slow = {}, spoil } = shape;
  const { seed = 5, noise } = shape;
  const { pairs, looks, blockMs, preset = 'quick' } = shape;
  const plan = planComparison(
    {
      preset,
      ...(pairs === undefined ? {} : { pairs }),
      ...(looks === undefined ? {} : { looks }),
      ...(blockMs === undefined ? {} : { blockMs }),
    },
    11,
    5000,
  );
  const random = xoroshiro128plus(seed);
  const uniform = (): number => uniformFloat64(random);
  // Sum of twelve uniforms: normal enough.
  const normal = (): number => Array.from({ length: 12 }, uniform).reduce((sum, value) => sum + value, -6);
  let place = 0;
  const block = (side: Side, number: number): PairedBlock => {
    const ratio = { before: 1, twin: same, after: change }[side];
    const p95Us = Math.round(beforeP95Us * ratio * Math.exp(noise?.(place++) ?? scatter * normal()));
    return {
      side,
      startedAt: '2026-11-21T04:00:00.000Z',
      outcome: 'complete',
      scheduled: 2500,
      offered: 2500,
      missed: 5,
      p50Us: Math.round(p95Us / 4),
      p95Us,
      p99Us: p95Us * 2,
      maxUs: p95Us * 4,
      seconds: 3,
      slowSeconds: uniform() < (slow[side] ?? 0) ? 1 : 0,
      latenessP99Us: 120,
      transactions: transactionsOfPairs.map((name) => ({
        name,
        count: name === 'rare' ? 10 : 1000,
        missed: 1,
        p95Us: Math.round(
          beforeP95Us * (side === 'after' ? (byTransaction[name] ?? change) : ratio) * Math.exp(scatter * normal()),
        ),
      })),
      host: { stealShare: 0.001, foreignCores: 0.01 },
      checkpoints: 0,
      samplesFile: `samples/pairs/${number}-${side}.bin`,
    };
  };
  const built: Comparison = {
    before: 'before',
    after: 'after',
    plan,
    pairs: plannedPairs({ ...plan, looks: plan.looks.slice(0, 1) }).map(({ number, kind, sides }) => ({
      number,
      kind,
      blocks: sides.map((side) => block(side, number)),
    })),
    settings: [],
  };
  for (const pair of built.pairs) for (const own of pair.blocks) spoil?.(own, pair);
  return built;
}

/** A run whose stages both hold the rate, with a comparison. */
export function comparedResult(shape: ComparisonShape = {}): RunResult {
  const result = buildResult([{ ...calmAfter, stage: 'before' }, calmAfter]);
  return { ...result, gate: { maxRegression: 0.1 }, comparison: buildComparison(shape) };
}
