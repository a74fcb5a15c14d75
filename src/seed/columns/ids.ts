/** Keys: numbers and identifiers that are unique, and hexadecimal digits. */
import type { Column } from '../define.ts';
import { eachRow } from '../loops.ts';
import { bits } from '../random.ts';
import type { Lane } from '../random.ts';
import type { Scope } from '../scope.ts';
import type { Batch } from '../batch.ts';
import { uuidCells } from '../cells.ts';
import { bindNumbers, numberColumn, structureOf } from './part.ts';
import type { Part } from './part.ts';

/** Numbers in row order: `from`, `from + step`, ... */
export function serial({ from = 1, step = 1 }: { from?: number; step?: number } = {}): Column<number> {
  return numberColumn(['serial', from, step], () => eachRow((row) => from + row * step));
}

/** Unique whole numbers below 2^52 in no visible order, for bigint keys. */
export function hashedId(): Column<number> {
  return numberColumn(['hashedId'], (scope) => {
    const high = scope.lane('high');
    const low = scope.lane('low');
    return eachRow((row) => (bits(high, row) >>> 0) * 2 ** 20 + (bits(low, row) >>> 12));
  });
}

/** The numbers `from` to `from + rows - 1`, each once, in a seeded order. */
export function shuffledId({ from = 1 }: { from?: number } = {}): Column<number> {
  return numberColumn(['shuffledId', from], (scope) => {
    const permute = permutation(scope);
    return eachRow((row) => from + permute(row));
  });
}

/** Random UUIDs (version 4), unique within the column. With `by`, equal numbers of that column get equal UUIDs. */
export function uuid({ by }: { by?: Part<number> } = {}): Column<string> {
  return {
    structure: ['uuid', by === undefined ? null : structureOf(by)],
    bind(scope) {
      const keys = bindKeys(by, scope);
      const [a, b, c, d] = [scope.lane('a'), scope.lane('b'), scope.lane('c'), scope.lane('d')];
      return uuidCells((batch, words) => {
        const key = keys(batch);
        for (let at = 0; at < batch.count; at++) {
          const number = key[at]!;
          words[at * 4] = bits(a, number);
          words[at * 4 + 1] = (bits(b, number) & 0xffff0fff) | 0x4000;
          words[at * 4 + 2] = (bits(c, number) & 0x3fffffff) | 0x80000000;
          words[at * 4 + 3] = bits(d, number);
        }
      });
    },
  };
}

/**
 * Lower-case hexadecimal digits of so many random bytes, after an optional prefix such as `0x`.
 * With `by`, equal numbers of that column get equal digits. From four bytes on the digits are unique for each row (or number).
 */
export function hex(bytes: number, { prefix = '', by }: { prefix?: string; by?: Part<number> } = {}): Column<string> {
  return {
    structure: ['hex', bytes, prefix, by === undefined ? null : structureOf(by)],
    bind(scope) {
      const keys = bindKeys(by, scope);
      const lanes = Array.from({ length: Math.ceil(bytes / 4) }, (_, word) => scope.lane(`word ${word}`));
      const first = new TextEncoder().encode(prefix);
      const surplus = lanes.length * 8 - bytes * 2;
      const wordsKey = {};
      const words = (batch: Batch): Int32Array =>
        batch.integers(wordsKey, (from, out) => fillWords(lanes, keys(from), from.count, out), lanes.length);
      return {
        shape: 'text',
        writer(batch) {
          const digits = words(batch);
          return (index, out) => {
            if (first.length > 0) out.append(first);
            out.hexText(digits, index * lanes.length, lanes.length);
            out.length -= surplus;
          };
        },
      };
    },
  };
}

/** Random words for every row, one lane after the other. */
function fillWords(lanes: readonly Lane[], keys: Int32Array | Float64Array, count: number, words: Int32Array): void {
  const perRow = lanes.length;
  for (let word = 0; word < perRow; word++) {
    const lane = lanes[word]!;
    for (let at = 0; at < count; at++) words[at * perRow + word] = bits(lane, keys[at]!);
  }
}

/** What the digits hang on: the row number, or the number of another column. */
function bindKeys(by: Part<number> | undefined, scope: Scope): (batch: Batch) => Int32Array | Float64Array {
  return by === undefined ? (batch) => batch.rows : bindNumbers(by, scope, 'by');
}

/**
 * A seeded permutation of the table's rows: a four-round Feistel network over the next power of four, walked until it falls
 * inside (J. Black and P. Rogaway, "Ciphers with arbitrary finite domains", 2002).
 */
function permutation(scope: Scope): (row: number) => number {
  const rows = scope.table.rows;
  let halfBits = 1;
  while (4 ** halfBits < rows) halfBits++;
  const mask = 2 ** halfBits - 1;
  const rounds = [0, 1, 2, 3].map((round) => scope.lane(`round ${round}`));
  const step = (value: number): number => {
    let left = value >>> halfBits;
    let right = value & mask;
    for (const lane of rounds) {
      const next = left ^ (bits(lane, right) & mask);
      left = right;
      right = next;
    }
    return ((left << halfBits) | right) >>> 0;
  };
  return (row) => {
    let place = step(row);
    while (place >= rows) place = step(place);
    return place;
  };
}
