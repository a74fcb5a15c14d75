/** Seeded generators for the load: the same words always give the same stream. */
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

export type Generator = ReturnType<typeof xoroshiro128plusFromState>;

/** Finaliser of MurmurHash3 (Austin Appleby, public domain): every input bit changes about half of the output bits. */
function mix(word: number): number {
  let hash = word | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function lane(salt: number, words: readonly number[]): number {
  let hash = salt;
  for (const word of words) {
    hash = mix(hash ^ word) + 0x9e3779b9;
    hash = mix(hash ^ Math.floor(word / 0x1_0000_0000));
  }
  return hash;
}

/**
 * A generator (xoroshiro128+) whose 128 bits of state are hashed from integers such as (seed, block, arrival). Streams of
 * different words are independent for all practical purposes: two of a million coincide with probability 2^-89.
 */
export function seededGenerator(...words: number[]): Generator {
  return xoroshiro128plusFromState([
    lane(0x243f6a88, words),
    lane(0x85a308d3, words),
    lane(0x13198a2e, words),
    lane(0x03707344, words),
  ]);
}
