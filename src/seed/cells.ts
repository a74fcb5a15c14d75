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
  /** The text is JSON: its value is what the text says. */
  readonly json?: boolean;
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

/** Buffers for text that is about to become a string; several, because a cell may ask for another cell's value. */
const spareWriters: ByteWriter[] = [];

function written(write: (bytes: ByteWriter) => void): string {
  const bytes = spareWriters.pop() ?? new ByteWriter(1024);
  bytes.clear();
  write(bytes);
  const text = bytes.toString();
  spareWriters.push(bytes);
  return text;
}

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
      return cells.absent?.(row) ? null : uuidAt(cells, row);
    case 'text': {
      if (cells.absent?.(row)) return null;
      const text = written((bytes) => cells.append(row, bytes));
      return cells.json ? JSON.parse(text) : text;
    }
    case 'list':
      if (cells.absent?.(row)) return null;
      return cells.items.slice(0, cells.length(row)).map((item) => valueAt(item, row));
  }
}

function uuidAt(cells: UuidCells, row: number): string {
  const words = new Int32Array(4);
  cells.words(row, words);
  return written((bytes) => bytes.uuidText(words));
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

/**
 * The same cells, but asking again for the same row costs nothing: for columns that others depend on. Text and lists are
 * cheap enough to build again.
 */
export function remembered(cells: Cells): Cells {
  switch (cells.shape) {
    case 'number': {
      const number = remember((row) => cells.number(row));
      return { shape: 'number', unit: cells.unit, number };
    }
    case 'choice': {
      const index = remember((row) => cells.index(row));
      return { shape: 'choice', choices: cells.choices, index };
    }
    case 'uuid':
      return rememberedUuid(cells);
    case 'any': {
      const value = remember((row) => cells.value(row));
      return { shape: 'any', value };
    }
    case 'text':
    case 'list':
      return cells;
  }
}

function remember<T>(compute: (row: number) => T): (row: number) => T {
  let lastRow = -1;
  let last: T;
  return (row) => {
    if (row !== lastRow) {
      last = compute(row);
      lastRow = row;
    }
    return last;
  };
}

function rememberedUuid(cells: UuidCells): UuidCells {
  const last = new Int32Array(4);
  let lastRow = -1;
  return {
    shape: 'uuid',
    words(row, words) {
      if (row !== lastRow) {
        cells.words(row, last);
        lastRow = row;
      }
      words[0] = last[0]!;
      words[1] = last[1]!;
      words[2] = last[2]!;
      words[3] = last[3]!;
    },
    ...(cells.absent && { absent: (row: number) => cells.absent!(row) }),
  };
}
