/** Parameters of one arrival: the same in every stage, whichever worker draws them. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { Draw } from '../scenario.ts';
import { zipfByRejection, type RankSampler } from '../seed/zipf.ts';
import { seededGenerator } from './random.ts';
import type { Generator } from './random.ts';
import { maximumArrivals } from './schedule.ts';

/** What a draw asks about the seeded rows; computed, not looked up. */
export interface Catalog {
  /** Number of seeded rows of a table. */
  rows(table: string): number;
  /** The seeded value of one cell. */
  cell(table: string, column: string, row: number): unknown;
}

export interface DrawOptions {
  seed: number;
  /** Number of the block within the run, from 0; stages that are compared share it. */
  block: number;
  /** Number of the arrival within the block, from 0. */
  arrival: number;
  /** The instant that statements take for "now". */
  now: Date;
}

/** Arrival numbers count on from block to block in steps of this, so that `index` is unique over a run. */
export const arrivalStride = maximumArrivals;

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const samplers = new Map<string, RankSampler>();
const mostSamplers = 1000;

/** The sampler of a law, kept: its set-up costs several times a draw. By rejection, as a count may differ from draw to draw. */
function rankSampler(count: number, exponent: number): RankSampler {
  const law = `${count} ${exponent}`;
  let sampler = samplers.get(law);
  if (sampler === undefined) {
    if (samplers.size >= mostSamplers) samplers.clear();
    samplers.set(law, (sampler = zipfByRejection(count, exponent)));
  }
  return sampler;
}

/** Seeds a Draw by (seed, block, arrival) over the rows of `catalog`. */
export function createDraw(catalog: Catalog, options: DrawOptions): Draw {
  return new SeededDraw(catalog, options);
}

class SeededDraw implements Draw {
  readonly index: number;
  readonly now: Date;
  readonly #catalog: Catalog;
  readonly #random: Generator;

  constructor(catalog: Catalog, { seed, block, arrival, now }: DrawOptions) {
    this.index = block * arrivalStride + arrival;
    this.now = now;
    this.#catalog = catalog;
    this.#random = seededGenerator(seed, block, arrival, 3);
  }

  float(): number {
    return uniformFloat64(this.#random);
  }

  int(from: number, to: number): number {
    return uniformInt(this.#random, from, to);
  }

  chance(probability: number): boolean {
    return uniformFloat64(this.#random) < probability;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('draw.pick needs at least one item.');
    return items[uniformInt(this.#random, 0, items.length - 1)] as T;
  }

  weighted<T>(choices: readonly (readonly [value: T, weight: number])[]): T {
    let total = 0;
    for (const [, weight] of choices) total += weight;
    if (!(total > 0)) throw new RangeError('draw.weighted needs a choice with a weight above zero.');
    let point = uniformFloat64(this.#random) * total;
    let chosen: T | undefined;
    for (const [value, weight] of choices) {
      if (weight > 0) chosen = value;
      if (point < weight) break;
      point -= weight;
    }
    return chosen as T;
  }

  zipf(count: number, exponent: number): number {
    return rankSampler(count, exponent)(() => uniformFloat64(this.#random));
  }

  uuid(): string {
    const high = this.#random.next();
    const middle = (this.#random.next() & 0xffff_0fff) | 0x4000;
    const low = (this.#random.next() & 0x3fff_ffff) | 0x8000_0000;
    const hex = hexOfWord(high) + hexOfWord(middle) + hexOfWord(low) + hexOfWord(this.#random.next());
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  hex(bytes: number): string {
    let text = '';
    for (let done = 0; done < bytes; done += 4) text += hexOfWord(this.#random.next());
    return text.slice(0, bytes * 2);
  }

  rows(table: string): number {
    return this.#catalog.rows(table);
  }

  cell(table: string, column: string, row: number): unknown {
    return this.#catalog.cell(table, column, row);
  }
}

function hexOfWord(word: number): string {
  return (
    hexOfByte[word >>> 24]! +
    hexOfByte[(word >>> 16) & 0xff]! +
    hexOfByte[(word >>> 8) & 0xff]! +
    hexOfByte[word & 0xff]!
  );
}
