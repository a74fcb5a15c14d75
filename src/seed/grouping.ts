/**
 * Which rows belong together: row number to (group, place in the group) and back, without a look-up table of the size of
 * the data. One block of groups has a fixed multiset of sizes in a seeded order, and the blocks repeat.
 */
import { bits, type Lane } from './random.ts';

export type Counts = readonly (readonly [size: number, share: number])[];

const groupsPerBlock = 4096;

export class Grouping {
  /** First row of each group of the block, and the rows of a block at the end. */
  readonly #first: Int32Array;
  /** Group within the block of each row of the block. */
  readonly #group: Int32Array;
  readonly #rowsPerBlock: number;
  /** Rows of the largest group. */
  readonly largestSize: number;

  constructor(counts: Counts, lane: Lane) {
    const sizes = shuffle(blockSizes(counts), lane);
    this.largestSize = Math.max(...counts.map(([size]) => size));
    this.#first = new Int32Array(groupsPerBlock + 1);
    for (let group = 0; group < groupsPerBlock; group++) {
      this.#first[group + 1] = this.#first[group]! + sizes[group]!;
    }
    this.#rowsPerBlock = this.#first[groupsPerBlock]!;
    this.#group = new Int32Array(this.#rowsPerBlock);
    for (let group = 0; group < groupsPerBlock; group++) {
      this.#group.fill(group, this.#first[group], this.#first[group + 1]);
    }
  }

  /** The group that a row belongs to. */
  groupOf(row: number): number {
    const block = (row / this.#rowsPerBlock) | 0;
    return block * groupsPerBlock + this.#group[row - block * this.#rowsPerBlock]!;
  }

  /** The row's place in its group, from 0. */
  placeOf(row: number): number {
    const within = row - ((row / this.#rowsPerBlock) | 0) * this.#rowsPerBlock;
    return within - this.#first[this.#group[within]!]!;
  }

  /** The first row of a group; `firstOf(groups)` is the number of rows of so many groups. */
  firstOf(group: number): number {
    const block = (group / groupsPerBlock) | 0;
    return block * this.#rowsPerBlock + this.#first[group - block * groupsPerBlock]!;
  }

  /** The number of rows in a group. */
  sizeOf(group: number): number {
    const within = group % groupsPerBlock;
    return this.#first[within + 1]! - this.#first[within]!;
  }
}

/** Sizes of a block's groups, by largest remainder so that they add up to the block. */
function blockSizes(counts: Counts): Int32Array {
  const total = counts.reduce((sum, [, share]) => sum + share, 0);
  const exact = counts.map(([size, share]) => ({ size, groups: (share / total) * groupsPerBlock }));
  let missing = groupsPerBlock - exact.reduce((sum, { groups }) => sum + Math.floor(groups), 0);
  const sizes = new Int32Array(groupsPerBlock);
  let at = 0;
  for (const { size, groups } of exact.toSorted((a, b) => (b.groups % 1) - (a.groups % 1))) {
    const whole = Math.floor(groups) + (missing-- > 0 ? 1 : 0);
    sizes.fill(size, at, at + whole);
    at += whole;
  }
  return sizes;
}

/** Fisher-Yates with draws of the lane. */
function shuffle(values: Int32Array, lane: Lane): Int32Array {
  for (let last = values.length - 1; last > 0; last--) {
    const other = (bits(lane, last) >>> 0) % (last + 1);
    const value = values[last]!;
    values[last] = values[other]!;
    values[other] = value;
  }
  return values;
}
