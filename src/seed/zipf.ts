/** Zipf-distributed ranks, for the seed by position and for the load from a stream: pure functions of their uniforms. */
import { aliasSampler } from './sampling.ts';

/** Draws a rank from 0 on; it is given the n-th uniform in [0, 1) on demand. */
export type RankSampler = (uniform: (attempt: number) => number) => number;

/** Up to so many ranks the alias tables of a law stay in the processor's cache; above, ranks are found by rejection. */
const largestAliasTable = 65_536;

/**
 * Rank in [0, count) by a Zipf law: the probability of rank k is proportional to 1 / (k + 1)^exponent. Laws of few ranks take one
 * uniform a draw and a set-up in proportion to `count`.
 *
 * @param count at least 1; @param exponent 0 (uniform) or more
 * @throws RangeError when there is no such law
 */
export function zipfSampler(count: number, exponent: number): RankSampler {
  if (!(count <= largestAliasTable)) return zipfByRejection(count, exponent);
  assertLaw(count, exponent);
  const sample = aliasSampler(Float64Array.from({ length: count }, (_, rank) => (rank + 1) ** -exponent));
  return (uniform) => sample(uniform(0));
}

/**
 * The same law, exactly, by rejection-inversion: W. Hoermann and G. Derflinger, "Rejection-inversion to generate variates from monotone
 * discrete distributions", ACM TOMACS 6(3), 1996. Set-up and draw are O(1) whatever the count; fewer than 1.2 uniforms a draw are
 * needed on average.
 *
 * @param count at least 1; @param exponent 0 (uniform) or more
 * @throws RangeError when there is no such law
 */
export function zipfByRejection(count: number, exponent: number): RankSampler {
  assertLaw(count, exponent);
  const density = (x: number): number => Math.exp(-exponent * Math.log(x));
  // An antiderivative of the density: (x^(1-s) - 1) / (1-s), or ln x for s = 1.
  const integral = (x: number): number => {
    const logX = Math.log(x);
    return expm1OverX((1 - exponent) * logX) * logX;
  };
  const inverse = (area: number): number => Math.exp(log1pOverX(Math.max(area * (1 - exponent), -1)) * area);
  const low = integral(1.5) - 1;
  const high = integral(count + 0.5);
  const shortcut = 2 - inverse(integral(2.5) - density(2));
  return (uniform) => {
    for (let attempt = 0; ; attempt++) {
      const area = low + uniform(attempt) * (high - low);
      const x = inverse(area);
      const rank = Math.min(Math.max(Math.round(x), 1), count);
      if (rank - x <= shortcut || area >= integral(rank + 0.5) - density(rank)) return rank - 1;
    }
  };
}

function assertLaw(count: number, exponent: number): void {
  if (Number.isSafeInteger(count) && count >= 1 && exponent >= 0) return;
  throw new RangeError(
    `A Zipf law needs a count of at least 1 and an exponent of at least 0, not ${count}, ${exponent}.`,
  );
}

/** (exp(x) - 1) / x, continued to x = 0. */
function expm1OverX(x: number): number {
  return Math.abs(x) > 1e-8 ? Math.expm1(x) / x : 1 + (x / 2) * (1 + x / 3);
}

/** ln(1 + x) / x, continued to x = 0. */
function log1pOverX(x: number): number {
  return Math.abs(x) > 1e-8 ? Math.log1p(x) / x : 1 - x * (1 / 2 - x / 3);
}
