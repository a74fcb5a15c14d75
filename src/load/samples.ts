/**
 * The raw samples of a block: one row per scheduled arrival, in columns. Every figure of a block is computed from them.
 *
 * The columns lie in shared memory, so that each worker writes the arrivals of its own stripe and nothing is merged.
 */
import type { Schedule } from './schedule.ts';

/** Where an arrival ended. `notOffered`: due after the block was stopped early, so not counted anywhere. */
export const Fate = { notOffered: 0, succeeded: 1, failed: 2, timedOut: 3, unfinished: 4 } as const;
export type Fate = (typeof Fate)[keyof typeof Fate];

/** Among the errors: an arrival that got no connection in the time that the pool gives it. */
export const poolTimeout = 'POOL_TIMEOUT';

/** Stands for "it never happened" in `sentUs` and `firstByteUs`. */
export const never = 0xffff_ffff;

/** Longest offset that a column can hold: 71 minutes. */
export const longestOffsetUs = never - 1;

/** Columns by name, in the order of the file, with their units. */
export const columnTypes = {
  /** Intended start, microseconds from the start of the block (warm-up included). */
  dueUs: Float64Array,
  /** From due to when the generator dealt with the arrival. */
  latenessUs: Uint32Array,
  /** From due to the send: a connection was free and alive; `never` if that did not come. */
  sentUs: Uint32Array,
  /** From due to the first byte of the first answer; `never` if none came. */
  firstByteUs: Uint32Array,
  /** From due to the end; for unfinished arrivals their age when the block gave up. */
  endUs: Uint32Array,
  /** Number of the transaction. */
  transaction: Uint16Array,
  /** A `Fate`. */
  fate: Uint8Array,
  /** Number of the error plus 1; 0 for none. */
  error: Uint8Array,
  /** Number of the parameter class plus 1; 0 for none. */
  class: Uint8Array,
  /** Repetitions after serialisation failures and deadlocks. */
  retries: Uint8Array,
} as const;

export type ColumnName = keyof typeof columnTypes;
export const columnNames = Object.keys(columnTypes) as ColumnName[];

export type Samples = { readonly [Name in ColumnName]: InstanceType<(typeof columnTypes)[Name]> };

/** Names that stand behind the numbers in the columns `error` and `class`. */
export interface Labels {
  /** SQLSTATE or driver code, with the first message seen. */
  errors: { code: string; example: string }[];
  classes: string[];
}

/** Columns for the arrivals of a schedule, with nothing recorded yet. */
export function createSamples(schedule: Schedule): Samples {
  const count = schedule.dueUs.length;
  const columns: Record<string, Samples[ColumnName]> = {};
  for (const name of columnNames) {
    const Column: new (buffer: SharedArrayBuffer) => Samples[ColumnName] = columnTypes[name];
    columns[name] = new Column(new SharedArrayBuffer(count * columnTypes[name].BYTES_PER_ELEMENT));
  }
  const samples = columns as unknown as Samples;
  samples.dueUs.set(schedule.dueUs);
  samples.transaction.set(schedule.transaction);
  return samples;
}

/** Number of a label, entered when new. There are at most 255; later ones share the last. */
export class LabelTable<Label> {
  readonly labels: Label[] = [];
  readonly #numbers = new Map<string, number>();

  /** @returns 1 for the first label, 2 for the second, ... */
  numberOf(key: string, create: () => Label): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.labels.length < 255) this.labels.push(create());
    this.#numbers.set(key, this.labels.length);
    return this.labels.length;
  }
}

/** Arrivals that were numbered with labels of their own: the stripe of one worker. */
export interface LabelledStripe {
  arrivals: Uint32Array;
  labels: Labels;
}

/**
 * One set of labels for all stripes, in the order of their names, so that it does not depend on the number of workers; the columns
 * `error` and `class` are renumbered.
 */
export function mergeLabels(samples: Samples, stripes: readonly LabelledStripe[]): Labels {
  const errors = new LabelTable<Labels['errors'][number]>();
  const classes = new LabelTable<string>();
  const byCode = stripes.flatMap(({ labels }) => labels.errors).sort((a, b) => (a.code < b.code ? -1 : 1));
  for (const error of byCode) errors.numberOf(error.code, () => error);
  for (const name of stripes.flatMap(({ labels }) => labels.classes).sort()) classes.numberOf(name, () => name);
  for (const { arrivals, labels } of stripes) {
    renumber(
      samples.error,
      arrivals,
      labels.errors.map((error) => errors.numberOf(error.code, () => error)),
    );
    renumber(
      samples.class,
      arrivals,
      labels.classes.map((name) => classes.numberOf(name, () => name)),
    );
  }
  return { errors: errors.labels, classes: classes.labels };
}

/** @param numbers the new number of label 1, 2, ... */
function renumber(column: Uint8Array, arrivals: Uint32Array, numbers: readonly number[]): void {
  for (const arrival of arrivals) {
    const old = column[arrival]!;
    if (old > 0) column[arrival] = numbers[old - 1]!;
  }
}
