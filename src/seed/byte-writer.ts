/** A growing byte buffer that is written from the front and reused: no object and no string for each row. */
export class ByteWriter {
  bytes: Uint8Array;
  view: DataView;
  /** Number of bytes written. */
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  clear(): void {
    this.length = 0;
  }

  /** The text written so far. */
  toString(): string {
    return decoder.decode(this.bytes.subarray(0, this.length));
  }

  /** Makes room for so many more bytes. Everything below calls it, except `...Unchecked`. */
  reserve(size: number): void {
    if (this.length + size > this.bytes.length) this.#grow(size);
  }

  #grow(size: number): void {
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, this.length + size));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  int16(value: number): void {
    this.reserve(2);
    this.view.setInt16(this.length, value);
    this.length += 2;
  }

  int32(value: number): void {
    this.reserve(4);
    this.view.setInt32(this.length, value);
    this.length += 4;
  }

  /** A 64-bit integer given as a number: exact up to 2^53. */
  int64(value: number): void {
    this.reserve(8);
    const high = Math.floor(value / 4294967296);
    this.view.setInt32(this.length, high);
    this.view.setInt32(this.length + 4, (value - high * 4294967296) | 0);
    this.length += 8;
  }

  float32(value: number): void {
    this.reserve(4);
    this.view.setFloat32(this.length, value);
    this.length += 4;
  }

  float64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.length, value);
    this.length += 8;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** UTF-8 of a string; for what is not on the hot path. */
  string(value: string): void {
    this.append(encoder.encode(value));
  }

  /** Decimal digits of an integer. */
  decimal(value: number): void {
    this.reserve(24);
    if (value < 0) {
      this.bytes[this.length++] = 45;
      value = -value;
    }
    const end = this.length + decimalDigits(value);
    this.length = end;
    for (let at = end - 1; ; at--) {
      const rest = Math.floor(value / 10);
      this.bytes[at] = 48 + (value - rest * 10);
      if (rest === 0) return;
      value = rest;
    }
  }

  /** Eight lower-case hexadecimal digits for each of so many words from an index on. */
  hexText(words: Int32Array, from: number, count: number): void {
    this.reserve(count * 8);
    const { view } = this;
    let at = this.length;
    for (let word = from; word < from + count; word++) {
      view.setInt32(at, hexDigits(words[word]! >>> 16));
      view.setInt32(at + 4, hexDigits(words[word]! & 0xffff));
      at += 8;
    }
    this.length = at;
  }

  /** The 36 characters of a UUID given as four words from an index on. */
  uuidText(words: Int32Array, from: number): void {
    this.reserve(36);
    const { view, bytes } = this;
    const at = this.length;
    view.setInt32(at, hexDigits(words[from]! >>> 16));
    view.setInt32(at + 4, hexDigits(words[from]! & 0xffff));
    bytes[at + 8] = 45;
    view.setInt32(at + 9, hexDigits(words[from + 1]! >>> 16));
    bytes[at + 13] = 45;
    view.setInt32(at + 14, hexDigits(words[from + 1]! & 0xffff));
    bytes[at + 18] = 45;
    view.setInt32(at + 19, hexDigits(words[from + 2]! >>> 16));
    bytes[at + 23] = 45;
    view.setInt32(at + 24, hexDigits(words[from + 2]! & 0xffff));
    view.setInt32(at + 28, hexDigits(words[from + 3]! >>> 16));
    view.setInt32(at + 32, hexDigits(words[from + 3]! & 0xffff));
    this.length = at + 36;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Four ASCII hexadecimal digits of a 16-bit number, side by side in one word: nibbles are spread to bytes, then 10-15 shifted to a-f. */
function hexDigits(value: number): number {
  let nibbles = ((value & 0xff00) << 8) | (value & 0xff);
  nibbles = ((nibbles << 4) | nibbles) & 0x0f0f0f0f;
  const letters = ((nibbles + 0x06060606) >> 4) & 0x01010101;
  return nibbles + 0x30303030 + letters * 0x27;
}

function decimalDigits(value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  return digits;
}
