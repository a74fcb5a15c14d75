/** From durations at a few sizes to an estimate at another: a line through logarithms. Pure. */
import { normalQuantile } from '../stats/normal.ts';
import type { Projection } from './record.ts';

/** A power law t = c * n^exponent, fitted, and what it says of another size with an interval for one more run there. */
type Estimate = Pick<Projection, 'exponent' | 'estimateMs' | 'lowMs' | 'highMs'>;

/** One-sided: the interval holds 90 %. */
const tail = 0.05;

/**
 * Ordinary least squares of ln(duration) on ln(rows), with the prediction interval of simple regression. It knows the scatter of the
 * runs, and nothing of what changes beyond them: memory that ends, an index that gets a level more.
 *
 * @param runs at two sizes at least, and more than two of them
 * @param rows size to estimate at
 */
export function project(runs: readonly { rows: number; durationMs: number }[], rows: number): Estimate {
  const points = runs.map((run) => ({ x: Math.log(run.rows), y: Math.log(run.durationMs) }));
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const spread = sum(points.map(({ x }) => (x - meanX) ** 2));
  const exponent = sum(points.map(({ x, y }) => (x - meanX) * (y - meanY))) / spread;
  const lineAt = (x: number): number => meanY + exponent * (x - meanX);
  const freedom = points.length - 2;
  const deviation = Math.sqrt(sum(points.map(({ x, y }) => (y - lineAt(x)) ** 2)) / freedom);
  const at = Math.log(rows);
  const half =
    studentQuantile(tail, freedom) * deviation * Math.sqrt(1 + 1 / points.length + (at - meanX) ** 2 / spread);
  const centre = lineAt(at);
  return {
    exponent,
    estimateMs: Math.exp(centre),
    lowMs: Math.exp(centre - half),
    highMs: Math.exp(centre + half),
  };
}

/**
 * Value that Student's t exceeds with the probability `tail`: the expansion of Abramowitz and Stegun, 26.7.5. Within 1 % from four
 * degrees of freedom on at 5 %.
 */
export function studentQuantile(tail: number, freedom: number): number {
  const z = normalQuantile(tail);
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / freedom + second / freedom ** 2 + third / freedom ** 3;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
