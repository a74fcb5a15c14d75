/** The binomial distribution, counted out. */

/** P(X >= k) for X binomial with n trials of probability p, each in logarithms so that large n neither overflow nor vanish. */
export function binomialTail(k: number, n: number, p: number): number {
  if (k <= 0) return 1;
  if (k > n || p <= 0) return 0;
  if (p >= 1) return 1;
  const odds = Math.log(p) - Math.log1p(-p);
  let logTerm = logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p);
  let tail = 0;
  for (let hits = k; hits <= n; hits++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log(n - hits) - Math.log(hits + 1) + odds;
  }
  return Math.min(1, tail);
}

function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let factor = 1; factor <= Math.min(k, n - k); factor++) sum += Math.log(n - factor + 1) - Math.log(factor);
  return sum;
}

/**
 * Upper end of the exact interval for a share of `hits` in `n` (Clopper and Pearson 1934): the largest share under which so few
 * hits still have a probability of `tail`. By bisection.
 */
export function binomialUpperBound(hits: number, n: number, tail: number): number {
  if (hits >= n) return 1;
  let [low, high] = [0, 1];
  while (high - low > 1e-9) {
    const share = (low + high) / 2;
    if (1 - binomialTail(hits + 1, n, share) > tail) low = share;
    else high = share;
  }
  return high;
}
