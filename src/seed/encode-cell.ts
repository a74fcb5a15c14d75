/** From cells to the fields of a binary COPY row: length word and value, straight into the buffer. */
import type { Batch } from './batch.ts';
import { ByteWriter } from './byte-writer.ts';
import type { Absent, AnyCells, Cells, ChoiceCells, ListCells, NumberCells, TextCells, UuidCells } from './cells.ts';
import { asNumbers } from './convert.ts';
import {
  arrayHeader,
  checkLength,
  encodeNumeric,
  encoderOf,
  epoch2000Ms,
  isTextual,
  lengthLimit,
  oids,
  scaleOf,
  withLength,
} from './encode-value.ts';
import type { ColumnType } from './encode-value.ts';

/** Writes the fields of one column: takes the batch's results, then is asked for one row after the other. */
export interface FieldEncoder {
  load(batch: Batch): void;
  /** @throws RangeError or TypeError when the value does not fit the column */
  write(index: number, bytes: ByteWriter): void;
}

/** A generator that cannot fill a column of this type. */
export class TypeMismatch extends Error {}

/** What is done for a null. */
type WriteNull = (bytes: ByteWriter) => void;

const writeNull: WriteNull = (bytes) => bytes.int32(-1);
const refuseNull: WriteNull = () => {
  throw new RangeError('the value is null, and the column is NOT NULL');
};

/** @throws TypeMismatch when cells of this shape can never be values of this type */
export function fieldEncoder(cells: Cells, type: ColumnType, notNull: boolean): FieldEncoder {
  const onNull = notNull ? refuseNull : writeNull;
  if (cells.shape === 'number') return numberEncoder(cells, type, onNull);
  if (cells.shape === 'choice') return choiceEncoder(cells, type, onNull);
  if (cells.shape === 'any') return anyEncoder(cells, type, onNull);
  return orAbsent(builtEncoder(cells, type), cells.absent, onNull);
}

function builtEncoder(cells: UuidCells | TextCells | ListCells, type: ColumnType): FieldEncoder {
  if (cells.shape === 'uuid') return uuidEncoder(cells, type);
  return cells.shape === 'text' ? textEncoder(cells, type) : listEncoder(cells, type);
}

/** Loads a vector of numbers; the subclasses write them. */
abstract class NumberEncoder implements FieldEncoder {
  readonly #cells: NumberCells;
  protected readonly onNull: WriteNull;
  protected values: Float64Array = new Float64Array();

  constructor(cells: NumberCells, onNull: WriteNull) {
    this.#cells = cells;
    this.onNull = onNull;
  }

  load(batch: Batch): void {
    this.values = this.#cells.numbers(batch);
  }

  abstract write(index: number, bytes: ByteWriter): void;
}

class BooleanEncoder extends NumberEncoder {
  write(index: number, bytes: ByteWriter): void {
    const value = this.values[index]!;
    if (value !== value) return this.onNull(bytes);
    bytes.reserve(5);
    bytes.view.setInt32(bytes.length, 1);
    bytes.bytes[bytes.length + 4] = value === 0 ? 0 : 1;
    bytes.length += 5;
  }
}

class Int4Encoder extends NumberEncoder {
  write(index: number, bytes: ByteWriter): void {
    const value = this.values[index]!;
    if ((value | 0) !== value) return this.#unusual(value, bytes);
    bytes.reserve(8);
    bytes.view.setInt32(bytes.length, 4);
    bytes.view.setInt32(bytes.length + 4, value);
    bytes.length += 8;
  }

  #unusual(value: number, bytes: ByteWriter): void {
    if (!Number.isNaN(value)) throw new RangeError(`${value} does not fit integer`);
    this.onNull(bytes);
  }
}

class InstantEncoder extends NumberEncoder {
  write(index: number, bytes: ByteWriter): void {
    const value = this.values[index]!;
    if (value !== value) return this.onNull(bytes);
    bytes.reserve(12);
    bytes.view.setInt32(bytes.length, 8);
    bytes.length += 4;
    bytes.int64(Math.floor(value - epoch2000Ms) * 1000);
  }
}

/** Types that are rarer or cost more than a call. */
class OtherNumberEncoder extends NumberEncoder {
  readonly #encode: (value: number, bytes: ByteWriter) => void;

  constructor(cells: NumberCells, onNull: WriteNull, encode: (value: number, bytes: ByteWriter) => void) {
    super(cells, onNull);
    this.#encode = encode;
  }

  write(index: number, bytes: ByteWriter): void {
    const value = this.values[index]!;
    if (value !== value) return this.onNull(bytes);
    withLength(bytes, () => this.#encode(value, bytes));
  }
}

function numberEncoder(cells: NumberCells, type: ColumnType, onNull: WriteNull): FieldEncoder {
  const { oid } = type;
  if (cells.unit === 'boolean') {
    return oid === oids.bool ? new BooleanEncoder(cells, onNull) : mismatch('booleans', type);
  }
  const other = (encode: (value: number, bytes: ByteWriter) => void): FieldEncoder =>
    new OtherNumberEncoder(cells, onNull, encode);
  if (cells.unit === 'instant') {
    if (oid === oids.timestamptz || oid === oids.timestamp) return new InstantEncoder(cells, onNull);
    if (oid !== oids.date) return mismatch('instants', type);
    return other((value, bytes) => bytes.int32(Math.floor((value - epoch2000Ms) / 86_400_000)));
  }
  if (oid === oids.int4) return new Int4Encoder(cells, onNull);
  if (oid === oids.numeric) {
    const scale = scaleOf(type);
    return other((value, bytes) => encodeNumeric(value, scale, bytes));
  }
  const numeric: readonly number[] = [oids.int2, oids.int8, oids.float4, oids.float8];
  const encode = numeric.includes(oid) ? encoderOf(type) : undefined;
  return other(encode ?? mismatch('numbers', type));
}

/** Every choice is encoded once, with its length word; a row then copies bytes. */
function choiceEncoder(cells: ChoiceCells, type: ColumnType, onNull: WriteNull): FieldEncoder {
  if (isFixedWidth(cells, type)) return numberEncoder(asNumbers(cells), type, onNull);
  const encode = encoderOf(type) ?? mismatch('values', type);
  const encoded: (Uint8Array | undefined)[] = [];
  const faults = new Map<number, Error>();
  for (const [index, choice] of cells.choices.entries()) {
    try {
      encoded.push(encodedField(choice, encode));
    } catch (error) {
      encoded.push(undefined);
      faults.set(index, error as Error);
    }
  }
  let indexes: Int32Array = new Int32Array();
  const unusual = (index: number, bytes: ByteWriter): void => {
    const fault = faults.get(indexes[index]!);
    if (fault !== undefined) throw fault;
    onNull(bytes);
  };
  return {
    load(batch) {
      indexes = cells.indexes(batch);
    },
    write(index, bytes) {
      const field = encoded[indexes[index]!];
      if (field === undefined) unusual(index, bytes);
      else bytes.append(field);
    },
  };
}

/** Numbers and booleans are written faster than copied. */
function isFixedWidth(cells: ChoiceCells, type: ColumnType): boolean {
  const kind = type.oid === oids.bool ? 'boolean' : type.oid === oids.int4 ? 'number' : undefined;
  return cells.choices.every((choice) => choice === null || typeof choice === kind);
}

/** The bytes of a choice; undefined for null. */
function encodedField(choice: unknown, encode: (value: unknown, bytes: ByteWriter) => void): Uint8Array | undefined {
  if (choice === null || choice === undefined) return undefined;
  const bytes = new ByteWriter(64);
  withLength(bytes, () => encode(choice, bytes));
  return bytes.bytes.slice(0, bytes.length);
}

function uuidEncoder(cells: UuidCells, type: ColumnType): FieldEncoder {
  const isBinary = type.oid === oids.uuid;
  if (!isBinary && !isTextual(type)) return mismatch('UUIDs', type);
  let words: Int32Array = new Int32Array();
  const load = (batch: Batch): void => {
    words = cells.words(batch);
  };
  const writeText = (index: number, bytes: ByteWriter): void => {
    bytes.int32(36);
    bytes.uuidText(words, index * 4);
  };
  const writeBinary = (index: number, bytes: ByteWriter): void => {
    bytes.reserve(20);
    const { view, length } = bytes;
    const from = index * 4;
    view.setInt32(length, 16);
    view.setInt32(length + 4, words[from]!);
    view.setInt32(length + 8, words[from + 1]!);
    view.setInt32(length + 12, words[from + 2]!);
    view.setInt32(length + 16, words[from + 3]!);
    bytes.length = length + 20;
  };
  return { load, write: isBinary ? writeBinary : writeText };
}

function textEncoder(cells: TextCells, type: ColumnType): FieldEncoder {
  const json = cells.json === true && (type.oid === oids.jsonb || type.oid === oids.json);
  if (!json && !isTextual(type)) return mismatch(cells.json ? 'JSON' : 'text', type);
  const limit = lengthLimit(type);
  const versioned = type.oid === oids.jsonb;
  let append: (index: number, bytes: ByteWriter) => void;
  return {
    load(batch) {
      append = cells.writer(batch);
    },
    write(index, bytes) {
      bytes.int32(0);
      const start = bytes.length;
      if (versioned) bytes.byte(1);
      append(index, bytes);
      const size = bytes.length - start;
      if (size > limit) checkLength(charactersOf(bytes.bytes.subarray(start, bytes.length)), type);
      bytes.view.setInt32(start - 4, size);
    },
  };
}

function charactersOf(utf8: Uint8Array): number {
  return utf8.reduce((count, byte) => count + Number((byte & 0xc0) !== 0x80), 0);
}

function listEncoder(cells: ListCells, type: ColumnType): FieldEncoder {
  if (type.elementOid === 0) return mismatch('arrays', type);
  const element = { ...type, oid: type.elementOid, elementOid: 0, name: type.name.replace('[]', '') };
  const items = cells.items.map((item) => fieldEncoder(item, element, false));
  let lengths: Float64Array = new Float64Array();
  return {
    load(batch) {
      lengths = cells.lengths(batch);
      for (const item of items) item.load(batch);
    },
    write(index, bytes) {
      bytes.int32(0);
      const start = bytes.length;
      const length = lengths[index]!;
      // The null flag is a hint that PostgreSQL computes again; 1 is always allowed.
      arrayHeader(length, true, element.oid, bytes);
      for (let item = 0; item < length; item++) items[item]!.write(index, bytes);
      bytes.view.setInt32(start - 4, bytes.length - start);
    },
  };
}

function anyEncoder(cells: AnyCells, type: ColumnType, onNull: WriteNull): FieldEncoder {
  const encode = encoderOf(type) ?? mismatch('values', type);
  let values: unknown[] = [];
  return {
    load(batch) {
      values = cells.values(batch);
    },
    write(index, bytes) {
      const value = values[index];
      if (value === null || value === undefined) onNull(bytes);
      else withLength(bytes, () => encode(value, bytes));
    },
  };
}

/** Null where the cells say so, for shapes that keep nulls apart from values. */
function orAbsent(encoder: FieldEncoder, absent: Absent | undefined, onNull: WriteNull): FieldEncoder {
  if (absent === undefined) return encoder;
  let flags: Uint8Array = new Uint8Array();
  return {
    load(batch) {
      flags = absent(batch);
      encoder.load(batch);
    },
    write(index, bytes) {
      if (flags[index] === 1) onNull(bytes);
      else encoder.write(index, bytes);
    },
  };
}

function mismatch(what: string, type: ColumnType): never {
  throw new TypeMismatch(`the generator makes ${what}, and the column is ${type.name}`);
}
