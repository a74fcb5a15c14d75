/**
 * Cells: what a bound column computes, in one of a few shapes. The COPY encoder and the parameters of the load both read
 * cells, so that a parameter always names what is in the table. Vectors belong to the batch and are valid until it is filled again.
 */
import type { Batch, Fill } from './batch.ts';
import { ByteWriter } from './byte-writer.ts';

/** Numbers, instants (milliseconds since 1970, UTC) and booleans (0 or 1). NaN is null. */
export interface NumberCells {
  readonly shape: 'number';
  readonly unit: 'number' | 'instant' | 'boolean';
  numbers(batch: Batch): Float64Array;
}

/** One of a fixed list of values, which the encoder encodes once. */
export interface ChoiceCells {
  readonly shape: 'choice';
  readonly choices: readonly unknown[];
  /** -1 is null. */
  indexes(batch: Batch): Int32Array;
}

/** 128 bits. */
export interface UuidCells {
  readonly shape: 'uuid';
  /** Four big-endian words for each row. */
  words(batch: Batch): Int32Array;
  absent?: Absent;
}

/** Appends the text of the row at an index of the batch, as UTF-8. */
export type TextWriter = (index: number, bytes: ByteWriter) => void;

/** Text built for each row. */
export interface TextCells {
  readonly shape: 'text';
  writer(batch: Batch): TextWriter;
  absent?: Absent;
  /** The text is JSON: its value is what the text says. */
  readonly json?: boolean;
}

/** Arrays whose items have generators of their own. */
export interface ListCells {
  readonly shape: 'list';
  lengths(batch: Batch): Float64Array;
  /** Cells of item 0, 1, ...: at least as many as the longest list. */
  readonly items: readonly Cells[];
  absent?: Absent;
}

/** Any JavaScript value: the escape hatch, slower than the rest. */
export interface AnyCells {
  readonly shape: 'any';
  values(batch: Batch): unknown[];
}

export type Cells = NumberCells | ChoiceCells | UuidCells | TextCells | ListCells | AnyCells;

/** 1 where a cell is null. */
export type Absent = (batch: Batch) => Uint8Array;

/** Cells whose numbers are computed once for a batch. */
export function numberCells(unit: NumberCells['unit'], fill: Fill<Float64Array>): NumberCells {
  const key = {};
  return { shape: 'number', unit, numbers: (batch) => batch.numbers(key, fill) };
}

export function choiceCells(choices: readonly unknown[], fill: Fill<Int32Array>): ChoiceCells {
  const key = {};
  return { shape: 'choice', choices, indexes: (batch) => batch.integers(key, fill) };
}

export function uuidCells(fill: Fill<Int32Array>, absent?: Absent): UuidCells {
  const key = {};
  return { shape: 'uuid', words: (batch) => batch.integers(key, fill, 4), ...(absent && { absent }) };
}

export function anyCells(fill: Fill<unknown[]>): AnyCells {
  const key = {};
  return { shape: 'any', values: (batch) => batch.values(key, fill) };
}

export function absentCells(fill: Fill<Uint8Array>): Absent {
  const key = {};
  return (batch) => batch.flags(key, fill);
}

/** Buffers for text that is about to become a string; several, because a cell may ask for another cell's value. */
const spareWriters: ByteWriter[] = [];

/** The value of a cell as JavaScript sees it and as `pg` takes it as a parameter. */
export function valueAt(cells: Cells, batch: Batch, index: number): unknown {
  if (cells.shape === 'number') return fromNumber(cells.unit, cells.numbers(batch)[index]!);
  if (cells.shape === 'choice') return cells.choices[cells.indexes(batch)[index]!] ?? null;
  if (cells.shape === 'any') return cells.values(batch)[index] ?? null;
  return cells.absent?.(batch)[index] === 1 ? null : builtValue(cells, batch, index);
}

function builtValue(cells: UuidCells | TextCells | ListCells, batch: Batch, index: number): unknown {
  if (cells.shape === 'list') {
    const items = cells.items.slice(0, cells.lengths(batch)[index]);
    return items.map((item) => valueAt(item, batch, index));
  }
  if (cells.shape === 'uuid') {
    const words = cells.words(batch);
    return written((bytes) => bytes.uuidText(words, index * 4));
  }
  const append = cells.writer(batch);
  const text = written((bytes) => append(index, bytes));
  return cells.json ? JSON.parse(text) : text;
}

function written(write: (bytes: ByteWriter) => void): string {
  const bytes = spareWriters.pop() ?? new ByteWriter(1024);
  bytes.clear();
  write(bytes);
  const text = bytes.toString();
  spareWriters.push(bytes);
  return text;
}

function fromNumber(unit: NumberCells['unit'], value: number): number | boolean | Date | null {
  if (Number.isNaN(value)) return null;
  if (unit === 'instant') return new Date(value);
  return unit === 'boolean' ? value !== 0 : value;
}
