/** What a client sends in the extended query protocol, written one message behind the other (PostgreSQL manual, "Message Formats"). */

/** A value that `pg` has turned into what can be sent. */
export type WireValue = string | Buffer | null;

const startBytes = 4096;
/** Strings up to this length are written character by character, which costs less than a call. */
const shortText = 24;
/** UTF-8 needs no more for a unit of a JavaScript string. */
const bytesPerUnit = 3;

/** A buffer that is used for one piece after the other. */
export class MessageWriter {
  #bytes = Buffer.allocUnsafeSlow(startBytes);
  #at = 0;

  /** Parse: a statement whose parameters' types the server finds out. */
  parse(name: string, text: string): void {
    const start = this.#begin('P', name.length + text.length);
    this.#terminated(name);
    this.#terminated(text);
    this.#int16(0);
    this.#end(start);
  }

  /** Bind to the portal without a name; answers are asked for as text. */
  bind(name: string, values: readonly WireValue[]): void {
    const start = this.#begin('B', name.length);
    this.#byte(0);
    this.#terminated(name);
    this.#formats(values);
    this.#int16(values.length);
    for (const value of values) this.#value(value);
    this.#int16(0);
    this.#end(start);
  }

  /** Describe the portal without a name. */
  describe(): void {
    const start = this.#begin('D', 0);
    this.#byte(0x50);
    this.#byte(0);
    this.#end(start);
  }

  /** Execute the portal without a name, all its rows. */
  execute(): void {
    const start = this.#begin('E', 0);
    this.#byte(0);
    this.#int32(0);
    this.#end(start);
  }

  sync(): void {
    this.#end(this.#begin('S', 0));
  }

  copyFail(reason: string): void {
    const start = this.#begin('f', reason.length);
    this.#terminated(reason);
    this.#end(start);
  }

  /** What was written since the last time. Its bytes are written over unless `keep` is called first. */
  take(): Buffer {
    const piece = this.#bytes.subarray(0, this.#at);
    this.#at = 0;
    return piece;
  }

  /** What was taken is still needed: the next piece gets another buffer. */
  keep(): void {
    this.#bytes = Buffer.allocUnsafeSlow(startBytes);
  }

  /** @param units of strings in the message, beside its values: for the room that it needs */
  #begin(type: string, units: number): number {
    this.#reserve(64 + units * bytesPerUnit);
    this.#byte(type.charCodeAt(0));
    this.#at += 4;
    return this.#at - 4;
  }

  #end(start: number): void {
    writeInt32(this.#bytes, this.#at - start, start);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }

  #byte(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  #int16(value: number): void {
    this.#bytes[this.#at++] = value >> 8;
    this.#bytes[this.#at++] = value;
  }

  #int32(value: number): void {
    writeInt32(this.#bytes, value, this.#at);
    this.#at += 4;
  }

  #text(text: string): void {
    this.#at += text.length <= shortText ? writeShort(this.#bytes, text, this.#at) : this.#bytes.write(text, this.#at);
  }

  #terminated(text: string): void {
    this.#text(text);
    this.#byte(0);
  }

  /** Buffers are sent as they are, all else as text. */
  #formats(values: readonly WireValue[]): void {
    if (!values.some((value) => value !== null && typeof value !== 'string')) {
      this.#int16(0);
      return;
    }
    this.#reserve(2 + 2 * values.length);
    this.#int16(values.length);
    for (const value of values) this.#int16(value === null || typeof value === 'string' ? 0 : 1);
  }

  #value(value: WireValue): void {
    if (value === null) {
      this.#reserve(16);
      this.#int32(-1);
    } else if (typeof value === 'string') {
      this.#reserve(16 + value.length * bytesPerUnit);
      const start = this.#at;
      this.#at += 4;
      this.#text(value);
      writeInt32(this.#bytes, this.#at - start - 4, start);
    } else {
      this.#reserve(16 + value.length);
      this.#int32(value.length);
      value.copy(this.#bytes, this.#at);
      this.#at += value.length;
    }
  }
}

/** As `write`: returns the number of bytes. */
function writeShort(bytes: Buffer, text: string, at: number): number {
  const { length } = text;
  for (let unit = 0; unit < length; unit++) {
    const code = text.charCodeAt(unit);
    if (code > 127) return bytes.write(text, at);
    bytes[at + unit] = code;
  }
  return length;
}

/** As `writeInt32BE`, without its checks. */
function writeInt32(bytes: Buffer, value: number, at: number): void {
  bytes[at] = value >> 24;
  bytes[at + 1] = value >> 16;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value;
}
