/**
 * Cells: what a bound column computes, in one of a few shapes. The COPY encoder and the parameters of the load both read
 * cells, so that a parameter always names what is in the table.
 */
import { ByteWriter } from './byte-writer.ts';

/** Numbers, instants (milliseconds since 1970, UTC) and booleans (0 or 1). NaN is null. */
export interface NumberCells {
  readonly shape: 'number';
  readonly unit: 'number' | 'instant' | 'boolean';
  number(row: number): number;
}

/** One of a fixed list of values, which the encoder encodes once. -1 is null. */
export interface ChoiceCells {
  readonly shape: 'choice';
  readonly choices: readonly unknown[];
  index(row: number): number;
}

/** 128 bits. */
export interface UuidCells {
  readonly shape: 'uuid';
  /** Writes the four big-endian words of the row's UUID to `words`. */
  words(row: number, words: Int32Array): void;
  absent?(row: number): boolean;
}

/** Text built for each row. */
export interface TextCells {
  readonly shape: 'text';
  /** Appends the row's text as UTF-8. */
  append(row: number, bytes: ByteWriter): void;
  absent?(row: number): boolean;
}

/** Arrays whose items have generators of their own. */
export interface ListCells {
  readonly shape: 'list';
  length(row: number): number;
  /** Cells of item 0, 1, ...: at least as many as the longest list. */
  readonly items: readonly Cells[];
  absent?(row: number): boolean;
}

/** Any JavaScript value: the escape hatch, slower than the rest. */
export interface AnyCells {
  readonly shape: 'any';
  value(row: number): unknown;
}

export type Cells = NumberCells | ChoiceCells | UuidCells | TextCells | ListCells | AnyCells;

const words = new Int32Array(4);
const text = new ByteWriter(4096);

/** The value of a cell as JavaScript sees it and as `pg` takes it as a parameter. */
export function valueAt(cells: Cells, row: number): unknown {
  switch (cells.shape) {
    case 'number':
      return fromNumber(cells.unit, cells.number(row));
    case 'choice': {
      const index = cells.index(row);
      return index < 0 ? null : cells.choices[index];
    }
    case 'any':
      return cells.value(row);
    case 'uuid':
      if (cells.absent?.(row)) return null;
      cells.words(row, words);
      text.clear();
      text.uuidText(words);
      return text.toString();
    case 'text':
      if (cells.absent?.(row)) return null;
      text.clear();
      cells.append(row, text);
      return text.toString();
    case 'list':
      if (cells.absent?.(row)) return null;
      return cells.items.slice(0, cells.length(row)).map((item) => valueAt(item, row));
  }
}

function fromNumber(unit: NumberCells['unit'], value: number): number | boolean | Date | null {
  if (Number.isNaN(value)) return null;
  switch (unit) {
    case 'number':
      return value;
    case 'instant':
      return new Date(value);
    case 'boolean':
      return value !== 0;
  }
}
