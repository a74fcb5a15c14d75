/** Comparisons under noise as shared machines make it, with fixed seeds: for the tests, and for `npm run bench -- simulation`. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { defaultGate } from '../../src/scenario.ts';
import type { Outcome } from '../../src/result.ts';
import { judgeStalls } from '../../src/verdict/stalls.ts';
import { judgeTypical } from '../../src/verdict/typical.ts';
import { comparedResult, type ComparisonShape } from './comparison-fixture.ts';

export type Noise = (seed: number) => (place: number) => number;

function normals(seed: number): { normal: () => number; uniform: () => number } {
  const random = xoroshiro128plus(seed);
  const uniform = (): number => uniformFloat64(random);
  return { uniform, normal: () => Array.from({ length: 12 }, uniform).reduce((sum, value) => sum + value, -6) };
}

/** Blocks that know nothing of each other. */
const independent: Noise = (seed) => {
  const { normal } = normals(seed);
  return () => 0.1 * normal();
};

/** Each block resembles the one before: the neighbour on the host comes and goes. */
const autoregressive: Noise = (seed) => {
  const { normal } = normals(seed);
  let level = 0;
  return () => (level = 0.7 * level + 0.1 * normal());
};

/** One block in thirty starts a burst that triples p95 for up to six blocks. */
const bursty: Noise = (seed) => {
  const { normal, uniform } = normals(seed);
  let left = 0;
  return () => {
    if (left > 0) left--;
    else if (uniform() < 1 / 30) left = 1 + Math.floor(uniform() * 6);
    return 0.1 * normal() + (left > 0 ? Math.log(3) : 0);
  };
};

/** How many simulated comparisons had which outcome. */
export function outcomes(noise: Noise, runs: number, shape: ComparisonShape = {}): Record<Outcome, number> {
  const counted = { pass: 0, fail: 0, inconclusive: 0, invalid: 0 };
  for (let seed = 1; seed <= runs; seed++) {
    const result = comparedResult({ ...shape, seed, noise: noise(seed * 7919) });
    const [overall] = judgeTypical({ ...result, gate: defaultGate });
    counted[overall!.outcome] += 1;
  }
  return counted;
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Run A, then run B, 20 blocks each, pooled by their mean: what most pipelines do. */
export function naiveAlarms(noise: Noise, runs: number): number {
  let alarms = 0;
  for (let seed = 1; seed <= runs; seed++) {
    const level = noise(seed * 104_729);
    const all = Array.from({ length: 40 }, (_, place) => Math.exp(level(place)));
    if (mean(all.slice(20)) > 1.1 * mean(all.slice(0, 20))) alarms++;
  }
  return alarms / runs;
}

/** Share of simulated comparisons that the gate of stalls fails. */
export function stallAlarms(runs: number, shape: ComparisonShape): number {
  let failed = 0;
  for (let seed = 1; seed <= runs; seed++) {
    const [gate] = judgeStalls(comparedResult({ ...shape, seed }));
    if (gate!.outcome === 'fail') failed++;
  }
  return failed / runs;
}

/** By name. */
export const noises = { independent, autoregressive, bursty };
