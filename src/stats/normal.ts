/** The standard normal distribution. */

/** 95th percentile: an error of 5 % on one side. */
export const z95 = 1.644_853_626_951_472_2;

/** Upper bound of the search for a quantile; beyond it the tail is smaller than a double can tell from 0. */
const farthest = 38;

/**
 * Probability of a value above `z`: half of the complementary error function, by its continued fraction far out and by its
 * series near 0 (Abramowitz and Stegun 26.2.11 and 26.2.14). Relative error below 1e-12.
 */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const density = Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI);
  return z < 3 ? 0.5 - density * oddSeries(z) : density * tailFraction(z);
}

/** z + z^3 / 3 + z^5 / (3 * 5) + ... */
function oddSeries(z: number): number {
  let sum = z;
  let term = z;
  for (let odd = 3; term > sum * Number.EPSILON; odd += 2) {
    term *= z ** 2 / odd;
    sum += term;
  }
  return sum;
}

/** 1 / (z + 1 / (z + 2 / (z + 3 / (z + ...)))), from the inside out. */
function tailFraction(z: number): number {
  let inner = z;
  for (let level = 200; level >= 1; level--) inner = z + level / inner;
  return 1 / inner;
}

/**
 * The value that is exceeded with this probability, by bisection on {@link normalTail}.
 * @throws RangeError when the probability is not between 0 and 1.
 */
export function normalQuantile(tail: number): number {
  if (!(tail > 0 && tail < 1)) throw new RangeError(`A tail probability lies between 0 and 1, not ${tail}.`);
  let [low, high] = [-farthest, farthest];
  for (let middle = 0; high - low > 1e-12;) {
    middle = (low + high) / 2;
    if (normalTail(middle) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
