/** Values with parts: arrays and JSON documents. */
import { asText, asNumbers } from '../convert.ts';
import { valueAt } from '../cells.ts';
import type { ByteWriter } from '../byte-writer.ts';
import type { Cells } from '../cells.ts';
import type { Column } from '../define.ts';
import { bindPart, structureOf } from './part.ts';
import type { Part } from './part.ts';

/**
 * Arrays whose items have generators of their own; `length` (default: all items) tells how many of them a row has.
 *
 * @example topics: list([signature, address, amount], weighted([[1, 20], [2, 30], [3, 50]]))
 */
export function list(items: readonly Part[], length?: Part<number>): Column<unknown[]> {
  return {
    structure: ['list', items.map(structureOf), length === undefined ? null : structureOf(length)],
    bind(scope) {
      const count = length === undefined ? undefined : asNumbers(bindPart(length, scope, 'length'));
      return {
        shape: 'list',
        items: items.map((item, index) => bindPart(item, scope, index)),
        length: (row) => (count === undefined ? items.length : Math.min(count.number(row), items.length)),
      };
    },
  };
}

/** A JSON document with fixed keys: `json({ plan: oneOf(['free', 'pro']), seats: uniform(1, 50) })`. */
export function json(members: Record<string, Part>): Column {
  return {
    structure: ['json', Object.entries(members).map(([key, part]) => [key, structureOf(part)])],
    bind(scope) {
      const encoder = new TextEncoder();
      const parts = Object.entries(members).map(([key, part], index) => ({
        key: encoder.encode(`${index === 0 ? '{' : ','}${JSON.stringify(key)}:`),
        append: jsonAppender(bindPart(part, scope, key)),
      }));
      return {
        shape: 'text',
        json: true,
        append(row, bytes) {
          if (parts.length === 0) bytes.byte(123);
          for (const part of parts) {
            bytes.append(part.key);
            part.append(row, bytes);
          }
          bytes.byte(125);
        },
      };
    },
  };
}

/** Appends a cell as JSON. Generated text may hold quotes, so only text that is JSON already is copied as it is. */
function jsonAppender(cells: Cells): (row: number, bytes: ByteWriter) => void {
  if (cells.shape === 'text' && cells.json) {
    return (row, bytes) => (cells.absent?.(row) ? bytes.append(nullText) : cells.append(row, bytes));
  }
  if (cells.shape === 'choice') {
    const encoded = cells.choices.map((choice) => new TextEncoder().encode(JSON.stringify(choice)));
    return (row, bytes) => bytes.append(encoded[cells.index(row)] ?? nullText);
  }
  if (cells.shape === 'number' && cells.unit === 'number') {
    const text = asText(cells);
    return (row, bytes) => (text.absent!(row) ? bytes.append(nullText) : text.append(row, bytes));
  }
  return (row, bytes) => bytes.string(JSON.stringify(valueAt(cells, row)));
}

const nullText = new TextEncoder().encode('null');
