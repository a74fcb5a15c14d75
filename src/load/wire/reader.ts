/** Messages of the server in what comes in, whatever the pieces that it comes in (PostgreSQL manual, "Message Formats"). */
import { DatabaseError } from 'pg';
import { int32At } from './statement.ts';

/** Gets each message: its type, and where its body lies; the bytes are good until it returns. */
export type MessageHandler = (type: number, bytes: Buffer, from: number, to: number) => void;

/** Type and length in front of each body. */
const headerBytes = 5;

/** Finds the messages, and keeps the beginning of one that has not come whole. */
export class MessageReader {
  readonly #handle: MessageHandler;
  #kept: Buffer = Buffer.alloc(0);
  #keptLength = 0;

  constructor(handle: MessageHandler) {
    this.#handle = handle;
  }

  /** Takes the first `length` bytes, which may be written over when it returns. */
  read(piece: Buffer, length: number): void {
    const isWhole = this.#keptLength === 0;
    const bytes = isWhole ? piece : this.#joined(piece, length);
    const end = isWhole ? length : this.#keptLength;
    let at = 0;
    while (end - at >= headerBytes) {
      const next = at + 1 + int32At(bytes, at + 1);
      if (next > end) break;
      this.#handle(bytes[at]!, bytes, at + headerBytes, next);
      at = next;
    }
    this.#keep(bytes, at, end);
  }

  #joined(piece: Buffer, length: number): Buffer {
    this.#makeRoom(this.#keptLength + length);
    piece.copy(this.#kept, this.#keptLength, 0, length);
    this.#keptLength += length;
    return this.#kept;
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    const isOwn = bytes === this.#kept;
    this.#keptLength = to - from;
    if (from === to || (isOwn && from === 0)) return;
    if (isOwn) this.#kept.copyWithin(0, from, to);
    else {
      // All of the message at once, where its length is known: a long one comes in many pieces.
      const whole = to - from < headerBytes ? headerBytes : 1 + int32At(bytes, from + 1);
      this.#keptLength = 0;
      this.#makeRoom(Math.max(whole, to - from));
      bytes.copy(this.#kept, 0, from, to);
      this.#keptLength = to - from;
    }
  }

  #makeRoom(bytes: number): void {
    if (this.#kept.length >= bytes) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, this.#kept.length * 2));
    this.#kept.copy(larger, 0, 0, this.#keptLength);
    this.#kept = larger;
  }
}

/** The fields of an ErrorResponse that `pg` has properties for (manual, "Error and Notice Message Fields"). */
const errorFields = {
  S: 'severity',
  C: 'code',
  D: 'detail',
  H: 'hint',
  P: 'position',
  W: 'where',
  s: 'schema',
  t: 'table',
  c: 'column',
  d: 'dataType',
  n: 'constraint',
  F: 'file',
  L: 'line',
  R: 'routine',
} as const satisfies Record<string, keyof DatabaseError>;

/** The error of an ErrorResponse, as `pg` has it. */
export function databaseError(bytes: Buffer, from: number, to: number): DatabaseError {
  const fields = new Map<string, string>();
  for (let at = from; at < to && bytes[at] !== 0;) {
    const end = bytes.indexOf(0, at + 1);
    fields.set(String.fromCharCode(bytes[at]!), bytes.toString('utf8', at + 1, end));
    at = end + 1;
  }
  const error = new DatabaseError(fields.get('M') ?? 'the server gave no reason', to - from, 'error');
  for (const [letter, property] of Object.entries(errorFields)) error[property] = fields.get(letter);
  return error;
}
