/**
 * Rows that are computed together. Generators work on vectors of a few hundred rows, so that calls between generators cost
 * next to nothing, and each result is computed once for a batch however many columns depend on it.
 */

/** Rows of a batch on the loading path: vectors of 4 KB, of which dozens fit the processor's second-level cache. */
export const batchRows = 512;

/** A result kept with the batch, valid for one filling of it. */
interface Slot<T> {
  generation: number;
  result: T;
}

/** Computes a result for the rows of a batch into a vector of at least `batch.count`. */
export type Fill<T> = (batch: Batch, out: T) => void;

export class Batch {
  /** Row numbers; -1 stands for no row, whose cells are null. */
  readonly rows: Int32Array;
  count = 0;
  /** Set where the batch is a selection of another one's rows: `rows[i]` is `origin.rows[positions[i]]`. */
  origin: Batch | undefined;
  readonly positions: Int32Array;
  #generation = 0;
  readonly #slots = new Map<object, Slot<any>>();

  constructor(capacity: number) {
    this.rows = new Int32Array(capacity);
    this.positions = new Int32Array(capacity);
  }

  /** Fills the batch with consecutive rows. */
  consecutive(first: number, count: number): this {
    for (let index = 0; index < count; index++) this.rows[index] = first + index;
    return this.#filled(count);
  }

  numbers(key: object, fill: Fill<Float64Array>): Float64Array {
    return this.#result(key, fill, () => new Float64Array(this.rows.length));
  }

  integers(key: object, fill: Fill<Int32Array>, perRow = 1): Int32Array {
    return this.#result(key, fill, () => new Int32Array(this.rows.length * perRow));
  }

  flags(key: object, fill: Fill<Uint8Array>): Uint8Array {
    return this.#result(key, fill, () => new Uint8Array(this.rows.length));
  }

  values(key: object, fill: Fill<unknown[]>): unknown[] {
    return this.#result(key, fill, () => Array.from({ length: this.rows.length }));
  }

  /** Rows of another table, one for each row of this batch. */
  mapped(key: object, fill: Fill<Int32Array>): Batch {
    return this.#result(
      key,
      (batch, other: Batch) => {
        fill(batch, other.rows);
        other.#filled(batch.count);
      },
      () => new Batch(this.rows.length),
    );
  }

  /** As `mapped`, but a selection maps as its origin did, so that what was computed there is used again. */
  mappedByOrigin(key: object, fill: Fill<Int32Array>): Batch {
    const { origin } = this;
    if (origin === undefined) return this.mapped(key, fill);
    return this.#result(
      key,
      (batch, other: Batch) => other.#select(origin.mappedByOrigin(key, fill), batch.positions, batch.count),
      () => new Batch(this.rows.length),
    );
  }

  /** The rows whose flag is set (or not set). */
  selected(key: object, flags: Float64Array, wanted: boolean): Batch {
    return this.#result(
      key,
      (batch, other: Batch) => {
        let count = 0;
        for (let index = 0; index < batch.count; index++) {
          // Written always and counted where wanted: a branch would be mispredicted as often as the flags vary.
          other.positions[count] = index;
          count += Number(flags[index]! > 0 === wanted);
        }
        other.#select(batch, other.positions, count);
      },
      () => new Batch(this.rows.length),
    );
  }

  #select(origin: Batch, positions: Int32Array, count: number): void {
    this.origin = origin;
    for (let index = 0; index < count; index++) {
      const position = positions[index]!;
      this.positions[index] = position;
      this.rows[index] = origin.rows[position]!;
    }
    this.#filled(count);
  }

  #filled(count: number): this {
    this.count = count;
    this.#generation++;
    return this;
  }

  #result<T>(key: object, fill: Fill<T>, create: () => T): T {
    let slot = this.#slots.get(key) as Slot<T> | undefined;
    if (slot === undefined) {
      slot = { generation: -1, result: create() };
      this.#slots.set(key, slot);
    }
    if (slot.generation !== this.#generation) {
      fill(this, slot.result);
      slot.generation = this.#generation;
    }
    return slot.result;
  }
}
