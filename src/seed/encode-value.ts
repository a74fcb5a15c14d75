/**
 * PostgreSQL's binary formats of single values, as COPY ... (FORMAT binary) and the types' receive functions read them.
 * Sources: manual, COPY, "Binary Format"; src/backend/utils/adt (array_recv, numeric_recv, timestamptz_recv, inet_recv, jsonb_recv).
 */
import type { ByteWriter } from './byte-writer.ts';

/** Writes one non-null value without its length word. @throws TypeError or RangeError when the value does not fit */
export type ValueEncoder = (value: unknown, bytes: ByteWriter) => void;

/** A column's type as the catalog tells it, domains resolved. */
export interface ColumnType {
  oid: number;
  /** As format_type() writes it, for messages. */
  name: string;
  /** Type modifier, -1 if none: length of varchar + 4, precision and scale of numeric. */
  modifier: number;
  /** Element type of an array type, 0 otherwise. */
  elementOid: number;
  isEnum: boolean;
}

/** Milliseconds from 1970 to 2000, where PostgreSQL's instants begin. */
export const epoch2000Ms = 946_684_800_000;
const dayMs = 86_400_000;

/** Object ids of built-in types (pg_type.dat); they never change. */
export const oids = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  json: 114,
  float4: 700,
  float8: 701,
  inet: 869,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
} as const;

const textOids: ReadonlySet<number> = new Set([oids.text, oids.varchar, oids.bpchar]);

export function isTextual(type: ColumnType): boolean {
  return type.isEnum || textOids.has(type.oid) || type.name.startsWith('citext');
}

/** The encoder of a type, or undefined where there is none. */
export function encoderOf(type: ColumnType): ValueEncoder | undefined {
  if (type.elementOid !== 0) return arrayEncoder(type);
  if (isTextual(type)) return textEncoder(type);
  if (type.oid === oids.numeric) return (value, bytes) => encodeNumeric(value, scaleOf(type), bytes);
  return scalarEncoders.get(type.oid);
}

const scalarEncoders = new Map<number, ValueEncoder>([
  [oids.bool, (value, bytes) => bytes.byte(booleanOf(value))],
  [oids.int2, (value, bytes) => bytes.int16(wholeOf(value, 2 ** 15, 'smallint'))],
  [oids.int4, (value, bytes) => bytes.int32(wholeOf(value, 2 ** 31, 'integer'))],
  [oids.int8, encodeBigint],
  [oids.float4, (value, bytes) => bytes.float32(numberOf(value))],
  [oids.float8, (value, bytes) => bytes.float64(numberOf(value))],
  [oids.timestamptz, encodeInstant],
  [oids.timestamp, encodeInstant],
  [oids.date, (value, bytes) => bytes.int32(Math.floor((instantOf(value) - epoch2000Ms) / dayMs))],
  [oids.uuid, encodeUuid],
  [oids.json, (value, bytes) => bytes.string(JSON.stringify(value))],
  [
    oids.jsonb,
    (value, bytes) => {
      bytes.byte(1);
      bytes.string(JSON.stringify(value));
    },
  ],
  [oids.bytea, encodeBytes],
  [oids.inet, encodeInet],
]);

/** Digits after the point of a numeric(p, s); -1 when the type does not limit them. */
export function scaleOf(type: ColumnType): number {
  return type.modifier < 4 ? -1 : (type.modifier - 4) & 0x7ff;
}

/** Characters of a varchar(n) or char(n); Infinity when the type does not limit them. */
export function lengthLimit(type: ColumnType): number {
  return type.oid !== oids.text && textOids.has(type.oid) && type.modifier >= 4 ? type.modifier - 4 : Infinity;
}

/** @throws RangeError when a text is longer than its column */
export function checkLength(characters: number, type: ColumnType): void {
  if (characters > lengthLimit(type)) throw new RangeError(`${characters} characters do not fit ${type.name}`);
}

function textEncoder(type: ColumnType): ValueEncoder {
  const limit = lengthLimit(type);
  return (value, bytes) => {
    if (typeof value !== 'string') throw new TypeError(`${show(value)} is not text`);
    if (value.length > limit) checkLength(Array.from(value).length, type);
    if (value.includes('\0')) throw new RangeError('text with a zero byte cannot be stored');
    bytes.string(value);
  };
}

function arrayEncoder(type: ColumnType): ValueEncoder {
  const element: ColumnType = { ...type, oid: type.elementOid, elementOid: 0, name: type.name.replace('[]', '') };
  const encode = encoderOf(element);
  return (value, bytes) => {
    if (!Array.isArray(value) || encode === undefined) throw new TypeError(`${show(value)} is not an array`);
    arrayHeader(value.length, value.includes(null), element.oid, bytes);
    for (const item of value) {
      if (item === null) bytes.int32(-1);
      else withLength(bytes, () => encode(item, bytes));
    }
  };
}

/** Head of a one-dimensional array; an empty array has no dimension. */
export function arrayHeader(length: number, hasNulls: boolean, elementOid: number, bytes: ByteWriter): void {
  bytes.int32(length === 0 ? 0 : 1);
  bytes.int32(hasNulls ? 1 : 0);
  bytes.int32(elementOid);
  if (length === 0) return;
  bytes.int32(length);
  bytes.int32(1);
}

/** Writes a length word in front of what `write` writes. */
export function withLength(bytes: ByteWriter, write: () => void): void {
  bytes.int32(0);
  const start = bytes.length;
  write();
  bytes.view.setInt32(start - 4, bytes.length - start);
}

function encodeBigint(value: unknown, bytes: ByteWriter): void {
  if (typeof value !== 'bigint') return bytes.int64(wholeOf(value, 2 ** 53, 'bigint'));
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit bigint`);
  bytes.int32(Number(value >> 32n));
  bytes.int32(Number(BigInt.asIntN(32, value)));
}

function encodeInstant(value: unknown, bytes: ByteWriter): void {
  bytes.int64((instantOf(value) - epoch2000Ms) * 1000);
}

function encodeUuid(value: unknown, bytes: ByteWriter): void {
  const digits = typeof value === 'string' ? value.replaceAll('-', '') : '';
  if (!/^[0-9a-f]{32}$/i.test(digits)) throw new TypeError(`${show(value)} is not a UUID`);
  for (let at = 0; at < 32; at += 8) bytes.int32(Number.parseInt(digits.slice(at, at + 8), 16) | 0);
}

function encodeBytes(value: unknown, bytes: ByteWriter): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${show(value)} is not bytes`);
  bytes.append(value);
}

/** IPv4 only: family 2, prefix length, not a cidr, four bytes. */
function encodeInet(value: unknown, bytes: ByteWriter): void {
  const parts = typeof value === 'string' ? /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(value) : null;
  const numbers = parts?.slice(1, 5).map(Number) ?? [];
  if (parts === null || numbers.some((part) => part > 255))
    throw new TypeError(`${show(value)} is not an IPv4 address`);
  for (const byte of [2, Number(parts[5] ?? 32), 0, 4, ...numbers]) bytes.byte(byte);
}

/** Largest |value| x 10^scale that a double holds exactly. */
const exactLimit = 2 ** 53;

/** numeric: digits in base 10,000, most significant first, with the weight of the first one. */
export function encodeNumeric(value: unknown, scale: number, bytes: ByteWriter): void {
  if (typeof value === 'number' && scale >= 0 && Math.abs(value) * 10 ** scale < exactLimit) {
    return scaledNumeric(Math.round(value * 10 ** scale), scale, bytes);
  }
  const text = typeof value === 'number' ? plainDecimal(value) : String(value);
  const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (parts === null) throw new TypeError(`${show(value)} is not a decimal number`);
  const [, sign = '', whole = '', fraction = ''] = parts;
  decimalDigits(sign === '-', whole, fraction, bytes);
}

function plainDecimal(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(20).replace(/\.?0+$/, '') : text;
}

/** Base-10,000 digits of a number below 2^53, the least first. */
const digitGroups = new Int32Array(5);

/** An integer of units of 10^-scale. */
function scaledNumeric(units: number, scale: number, bytes: ByteWriter): void {
  const fractionGroups = Math.ceil(scale / 4);
  const padded = Math.abs(units) * 10 ** (fractionGroups * 4 - scale);
  if (padded > Number.MAX_SAFE_INTEGER) return scaledText(units, scale, bytes);
  let count = 0;
  for (let rest = padded; rest > 0; count++) {
    const next = Math.floor(rest / 10_000);
    digitGroups[count] = rest - next * 10_000;
    rest = next;
  }
  let least = 0;
  while (least < count && digitGroups[least] === 0) least++;
  bytes.int16(count - least);
  bytes.int16(count === 0 ? 0 : count - fractionGroups - 1);
  bytes.int16(units < 0 ? 0x4000 : 0);
  bytes.int16(scale);
  for (let group = count - 1; group >= least; group--) bytes.int16(digitGroups[group]!);
}

function scaledText(units: number, scale: number, bytes: ByteWriter): void {
  const digits = String(Math.abs(units)).padStart(scale + 1, '0');
  decimalDigits(units < 0, digits.slice(0, digits.length - scale), digits.slice(digits.length - scale), bytes);
}

function decimalDigits(negative: boolean, whole: string, fraction: string, bytes: ByteWriter): void {
  const left = whole.padStart(Math.ceil(whole.length / 4) * 4, '0');
  const groups = (left + fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0')).match(/\d{4}/g)!.map(Number);
  let weight = left.length / 4 - 1;
  while (groups.length > 0 && groups[0] === 0) {
    groups.shift();
    weight--;
  }
  while (groups.at(-1) === 0) groups.pop();
  bytes.int16(groups.length);
  bytes.int16(groups.length === 0 ? 0 : weight);
  bytes.int16(negative && groups.length > 0 ? 0x4000 : 0);
  bytes.int16(fraction.length);
  for (const group of groups) bytes.int16(group);
}

function booleanOf(value: unknown): number {
  if (typeof value !== 'boolean') throw new TypeError(`${show(value)} is not true or false`);
  return value ? 1 : 0;
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`${show(value)} is not a number`);
  return value;
}

function wholeOf(value: unknown, limit: number, type: string): number {
  const number = numberOf(value);
  if (!Number.isInteger(number) || number < -limit || number >= limit) {
    throw new RangeError(`${number} does not fit ${type}`);
  }
  return number;
}

function instantOf(value: unknown): number {
  const instant = value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(instant)) throw new TypeError(`${show(value)} is not an instant`);
  return instant;
}

function show(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  return text === undefined ? String(value) : text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
