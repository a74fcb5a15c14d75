/** The sign-flip test: a randomisation test for paired differences (Fisher 1935; Ernst 2004), exact by design of the experiment. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Up to this many pairs all flips are tried: 4,096. */
const maxExactPairs = 12;
const flips = 10_000;
const flipSeed = 19_350_101;

/**
 * Probability that the mean of differences whose typical value is at most `margin` comes out as high as it did, if each
 * difference might as well have had the other sign. Above twelve pairs from 10,000 flips drawn from a fixed seed, the observed
 * signs counted among them, so that it is never 0.
 */
export function signFlipPValue(differences: readonly number[], margin: number): number {
  const shifted = differences.map((difference) => difference - margin);
  const observed = shifted.reduce((sum, difference) => sum + difference, 0);
  // Sums of the same numbers in another order differ in the last digits.
  const reach = observed - 1e-12 * shifted.reduce((sum, difference) => sum + Math.abs(difference), 0);
  return shifted.length <= maxExactPairs ? exact(shifted, reach) : drawn(shifted, reach);
}

function exact(shifted: readonly number[], reach: number): number {
  const count = 2 ** shifted.length;
  let asHigh = 0;
  for (let signs = 0; signs < count; signs++) {
    const sum = shifted.reduce((total, difference, at) => total + ((signs >> at) & 1 ? -difference : difference), 0);
    if (sum >= reach) asHigh++;
  }
  return asHigh / count;
}

function drawn(shifted: readonly number[], reach: number): number {
  const random = xoroshiro128plus(flipSeed);
  let asHigh = 1;
  for (let flip = 0; flip < flips; flip++) {
    let sum = 0;
    for (let at = 0, bits = 0; at < shifted.length; at++, bits >>= 1) {
      if (at % 30 === 0) bits = uniformInt(random, 0, 2 ** 30 - 1);
      sum += bits & 1 ? -shifted[at]! : shifted[at]!;
    }
    if (sum >= reach) asHigh++;
  }
  return asHigh / (flips + 1);
}
