/** From cells to the fields of a binary COPY row: length word and value, straight into the buffer. */
import { ByteWriter } from './byte-writer.ts';
import { asNumbers } from './convert.ts';
import type { Cells, ChoiceCells, ListCells, NumberCells, TextCells, UuidCells } from './cells.ts';
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

/** Writes one field of a row. @throws RangeError or TypeError when the value does not fit the column */
export type CellEncoder = (row: number, bytes: ByteWriter) => void;

/** A generator that cannot fill a column of this type. */
export class TypeMismatch extends Error {}

const words = new Int32Array(4);

/** @throws TypeMismatch when cells of this shape can never be values of this type */
export function cellEncoder(cells: Cells, type: ColumnType): CellEncoder {
  switch (cells.shape) {
    case 'number':
      return numberEncoder(cells, type);
    case 'choice':
      return choiceEncoder(cells, type);
    case 'uuid':
      return uuidEncoder(cells, type);
    case 'text':
      return textEncoder(cells, type);
    case 'list':
      return listEncoder(cells, type);
    case 'any': {
      const encode = encoderOf(type) ?? mismatch('values', type);
      return (row, bytes) => {
        const value = cells.value(row);
        if (value === null || value === undefined) bytes.int32(-1);
        else withLength(bytes, () => encode(value, bytes));
      };
    }
  }
}

function numberEncoder(cells: NumberCells, type: ColumnType): CellEncoder {
  switch (cells.unit) {
    case 'boolean':
      return type.oid === oids.bool ? booleanEncoder(cells) : mismatch('booleans', type);
    case 'instant':
      return instantEncoder(cells, type);
    case 'number':
      break;
  }
  switch (type.oid) {
    case oids.int2:
      return integerEncoder(cells, 2, type);
    case oids.int4:
      return integerEncoder(cells, 4, type);
    case oids.int8:
      return bigintEncoder(cells);
    case oids.float4:
    case oids.float8:
      return floatEncoder(cells, type.oid === oids.float4 ? 4 : 8);
    case oids.numeric:
      return numericEncoder(cells, scaleOf(type));
    default:
      return mismatch('numbers', type);
  }
}

function booleanEncoder(cells: NumberCells): CellEncoder {
  return (row, bytes) => {
    const value = cells.number(row);
    if (Number.isNaN(value)) return bytes.int32(-1);
    bytes.reserve(5);
    const at = bytes.length;
    bytes.view.setInt32(at, 1);
    bytes.bytes[at + 4] = value === 0 ? 0 : 1;
    bytes.length = at + 5;
  };
}

function integerEncoder(cells: NumberCells, size: 2 | 4, type: ColumnType): CellEncoder {
  const limit = 2 ** (size * 8 - 1);
  return (row, bytes) => {
    const value = cells.number(row);
    if (Number.isNaN(value)) return bytes.int32(-1);
    if ((value | 0) !== value || value >= limit || value < -limit) throw doesNotFit(value, type.name);
    bytes.reserve(8);
    const at = bytes.length;
    bytes.view.setInt32(at, size);
    if (size === 4) bytes.view.setInt32(at + 4, value);
    else bytes.view.setInt16(at + 4, value);
    bytes.length = at + 4 + size;
  };
}

function bigintEncoder(cells: NumberCells): CellEncoder {
  return (row, bytes) => {
    const value = cells.number(row);
    if (Number.isNaN(value)) return bytes.int32(-1);
    if (!Number.isSafeInteger(value)) throw doesNotFit(value, 'bigint');
    bytes.int32(8);
    bytes.int64(value);
  };
}

function instantEncoder(cells: NumberCells, type: ColumnType): CellEncoder {
  if (type.oid === oids.date) {
    return (row, bytes) => {
      const value = cells.number(row);
      if (Number.isNaN(value)) return bytes.int32(-1);
      bytes.int32(4);
      bytes.int32(Math.floor((value - epoch2000Ms) / 86_400_000));
    };
  }
  if (type.oid !== oids.timestamptz && type.oid !== oids.timestamp) return mismatch('instants', type);
  return (row, bytes) => {
    const value = cells.number(row);
    if (Number.isNaN(value)) return bytes.int32(-1);
    bytes.int32(8);
    bytes.int64(Math.floor(value - epoch2000Ms) * 1000);
  };
}

function floatEncoder(cells: NumberCells, size: 4 | 8): CellEncoder {
  return (row, bytes) => {
    const value = cells.number(row);
    if (Number.isNaN(value)) return bytes.int32(-1);
    bytes.int32(size);
    if (size === 4) bytes.float32(value);
    else bytes.float64(value);
  };
}

function numericEncoder(cells: NumberCells, scale: number): CellEncoder {
  return (row, bytes) => {
    const value = cells.number(row);
    if (Number.isNaN(value)) return bytes.int32(-1);
    withLength(bytes, () => encodeNumeric(value, scale, bytes));
  };
}

/** Every choice is encoded once, with its length word; a row then copies bytes. */
function choiceEncoder(cells: ChoiceCells, type: ColumnType): CellEncoder {
  const numeric = numbersOfChoices(cells, type);
  if (numeric !== undefined) return numberEncoder(numeric, type);
  const encode = encoderOf(type) ?? mismatch('values', type);
  const encoded = cells.choices.map((choice) => encodedField(choice, encode));
  return (row, bytes) => {
    const index = cells.index(row);
    if (index < 0) return bytes.int32(-1);
    const field = encoded[index];
    if (!(field instanceof Uint8Array)) throw field;
    bytes.append(field);
  };
}

const fixedWidth: ReadonlySet<number> = new Set([oids.bool, oids.int2, oids.int4, oids.int8]);

/** Numbers and booleans are written faster than copied. */
function numbersOfChoices(cells: ChoiceCells, type: ColumnType): NumberCells | undefined {
  if (!fixedWidth.has(type.oid)) return undefined;
  const kind = type.oid === oids.bool ? 'boolean' : 'number';
  return cells.choices.every((choice) => choice === null || typeof choice === kind) ? asNumbers(cells) : undefined;
}

/** The bytes of a choice, or the error to throw where a row chooses it. */
function encodedField(choice: unknown, encode: (value: unknown, bytes: ByteWriter) => void): Uint8Array | Error {
  const bytes = new ByteWriter(64);
  try {
    if (choice === null) bytes.int32(-1);
    else withLength(bytes, () => encode(choice, bytes));
    return bytes.bytes.slice(0, bytes.length);
  } catch (error) {
    return error as Error;
  }
}

function uuidEncoder(cells: UuidCells, type: ColumnType): CellEncoder {
  const absent = cells.absent;
  if (type.oid === oids.uuid) {
    return (row, bytes) => {
      if (absent?.(row)) return bytes.int32(-1);
      cells.words(row, words);
      bytes.reserve(20);
      const { view, length } = bytes;
      view.setInt32(length, 16);
      view.setInt32(length + 4, words[0]!);
      view.setInt32(length + 8, words[1]!);
      view.setInt32(length + 12, words[2]!);
      view.setInt32(length + 16, words[3]!);
      bytes.length = length + 20;
    };
  }
  if (!isTextual(type)) return mismatch('UUIDs', type);
  return (row, bytes) => {
    if (absent?.(row)) return bytes.int32(-1);
    cells.words(row, words);
    bytes.int32(36);
    bytes.uuidText(words);
  };
}

function textEncoder(cells: TextCells, type: ColumnType): CellEncoder {
  const json = cells.json === true && (type.oid === oids.jsonb || type.oid === oids.json);
  if (!json && !isTextual(type)) return mismatch(cells.json ? 'JSON' : 'text', type);
  const absent = cells.absent;
  const limit = lengthLimit(type);
  const versioned = type.oid === oids.jsonb;
  return (row, bytes) => {
    if (absent?.(row)) return bytes.int32(-1);
    bytes.int32(0);
    const start = bytes.length;
    if (versioned) bytes.byte(1);
    cells.append(row, bytes);
    const size = bytes.length - start;
    if (size > limit)
      checkLength([...new TextDecoder().decode(bytes.bytes.subarray(start, bytes.length))].length, type);
    bytes.view.setInt32(start - 4, size);
  };
}

function listEncoder(cells: ListCells, type: ColumnType): CellEncoder {
  if (type.elementOid === 0) return mismatch('arrays', type);
  const element = { ...type, oid: type.elementOid, elementOid: 0, name: type.name.replace('[]', '') };
  const items = cells.items.map((item) => cellEncoder(item, element));
  const absent = cells.absent;
  return (row, bytes) => {
    if (absent?.(row)) return bytes.int32(-1);
    bytes.int32(0);
    const start = bytes.length;
    const length = cells.length(row);
    // The null flag is a hint that PostgreSQL computes again; 1 is always allowed.
    arrayHeader(length, true, element.oid, bytes);
    for (let index = 0; index < length; index++) items[index]!(row, bytes);
    bytes.view.setInt32(start - 4, bytes.length - start);
  };
}

function mismatch(what: string, type: ColumnType): never {
  throw new TypeMismatch(`the generator makes ${what}, and the column is ${type.name}`);
}

function doesNotFit(value: number, type: string): RangeError {
  return new RangeError(`${value} does not fit ${type}`);
}
