/** Goodness of fit, for tests with fixed seeds: limits are at 1 in 10,000, so that a dozen tests of one generator all hold. */

/** Normal quantile of 1 - 1e-4. */
const z = 3.719;

/** Sum of (observed - expected)^2 / expected; expected counts in proportion to the weights (default: equal). */
export function chiSquareOf(counts: Float64Array, weights: Float64Array = counts.map(() => 1)): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const weight = weights.reduce((sum, one) => sum + one, 0);
  return counts.reduce((sum, count, index) => {
    const expected = (weights[index]! / weight) * total;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
}

/** The value that chi-square exceeds once in 10,000 (Wilson and Hilferty's approximation, 1931). */
export function chiSquareLimit(degreesOfFreedom: number): number {
  const spread = 2 / (9 * degreesOfFreedom);
  return degreesOfFreedom * (1 - spread + z * Math.sqrt(spread)) ** 3;
}

/** Largest distance between the sample's distribution and the given one. */
export function kolmogorovSmirnov(sample: Float64Array, distribution: (x: number) => number): number {
  const sorted = sample.toSorted();
  return sorted.reduce((largest, x, index) => {
    const expected = distribution(x);
    return Math.max(largest, expected - index / sorted.length, (index + 1) / sorted.length - expected);
  }, 0);
}

/** The distance that is exceeded once in 10,000 (asymptotic: sqrt(-ln(p / 2) / 2n)). */
export function kolmogorovSmirnovLimit(count: number): number {
  return Math.sqrt(-Math.log(1e-4 / 2) / (2 * count));
}

/** Distribution function of the normal law (Abramowitz and Stegun 7.1.26, error below 1.5e-7). */
export function normalDistribution(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const tail = (poly * Math.exp((-x * x) / 2)) / 2;
  return x > 0 ? 1 - tail : tail;
}
