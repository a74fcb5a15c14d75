/** What a connection knows about a statement, and how the values of its rows are read. */
import { types } from 'pg';
import type { CustomTypesConfig } from 'pg';
import type { Row } from '../../scenario.ts';

/** A statement as one connection has it. */
export interface Statement {
  /** Name on the server; empty for a statement that is parsed whenever it is sent. */
  readonly name: string;
  readonly text: string;
  /** The server has parsed it under its name. */
  parsed?: true;
  /** Columns of its rows once they were described; null when it returns none. */
  shape?: RowShape | null;
}

/** Reads the text of a value between two places of what came in. */
type ValueReader = (bytes: Buffer, from: number, to: number) => unknown;

/** Object ids of types (PostgreSQL's pg_type.dat), which never change. */
const oid = { bool: 16, int8: 20, int2: 21, int4: 23, int8Array: 1016 };

const defaultParserOf = types.getTypeParser as (oid: number) => (text: string) => unknown;

/** Integers of 64 bits come as numbers while they are exact, else as text as `pg` has them: counts are what people add up. */
function parseInt8(text: string): number | string {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
}

function parserOf(type: number): (text: string) => unknown {
  const parse = defaultParserOf(type);
  if (type === oid.int8) return parseInt8;
  if (type === oid.int8Array)
    return (text) => (parse(text) as (string | null)[]).map((item) => item && parseInt8(item));
  return parse;
}

/** Types as `pg` reads them, except that `int8` (and its arrays) become numbers where those are exact. */
export const loadTypes: CustomTypesConfig = { getTypeParser: parserOf as CustomTypesConfig['getTypeParser'] };

const minus = 0x2d;
const zero = 0x30;
const letterT = 0x74;
/** So many digits, with a sign, are always exact as a number. */
const exactLength = 15;

/** Most values of most rows are whole numbers: read without a string in between. */
const readInteger: ValueReader = (bytes, from, to) => {
  const isNegative = bytes[from] === minus;
  let value = 0;
  for (let at = isNegative ? from + 1 : from; at < to; at++) value = value * 10 + bytes[at]! - zero;
  return isNegative ? -value : value;
};

function readerOf(type: number): ValueReader {
  const parse = parserOf(type);
  const readText: ValueReader = (bytes, from, to) => parse(bytes.toString('utf8', from, to));
  switch (type) {
    case oid.int2:
    case oid.int4:
      return readInteger;
    case oid.int8:
      return (bytes, from, to) => (to - from <= exactLength ? readInteger : readText)(bytes, from, to);
    case oid.bool:
      return (bytes, from) => bytes[from] === letterT;
    default:
      return readText;
  }
}

/** The columns of a statement's rows, as a RowDescription has them. */
export class RowShape {
  readonly #names: string[] = [];
  readonly #readers: ValueReader[] = [];

  /** @param at where the message's body begins (manual, "Message Formats") */
  constructor(bytes: Buffer, at: number) {
    const columns = bytes.readInt16BE(at);
    let place = at + 2;
    for (let column = 0; column < columns; column++) {
      const end = bytes.indexOf(0, place);
      this.#names.push(bytes.toString('utf8', place, end));
      // After the name: table, attribute, type, size, modifier, format.
      this.#readers.push(readerOf(bytes.readInt32BE(end + 7)));
      place = end + 19;
    }
  }

  /**
   * The row of a DataRow message.
   *
   * @throws what a parser of `pg` throws at a value
   */
  read(bytes: Buffer, at: number): Row {
    const row: Row = {};
    const columns = (bytes[at]! << 8) | bytes[at + 1]!;
    let place = at + 2;
    for (let column = 0; column < columns; column++) {
      const length = int32At(bytes, place);
      place += 4;
      if (length < 0) {
        row[this.#names[column]!] = null;
        continue;
      }
      row[this.#names[column]!] = this.#readers[column]!(bytes, place, place + length);
      place += length;
    }
    return row;
  }
}

/** As `readInt32BE`, without its checks. */
export function int32At(bytes: Buffer, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
