/** Values with parts: arrays and JSON documents. */
import { numberCells, valueAt } from '../cells.ts';
import type { Cells, TextCells } from '../cells.ts';
import { asText } from '../convert.ts';
import type { Column } from '../define.ts';
import { bindNumbers, bindPart, structureOf } from './part.ts';
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
      const count = length === undefined ? undefined : bindNumbers(length, scope, 'length');
      const lengths = numberCells('number', (batch, out) => {
        const wanted = count?.(batch);
        for (let at = 0; at < batch.count; at++) out[at] = Math.min(wanted?.[at] ?? items.length, items.length);
      });
      return {
        shape: 'list',
        items: items.map((item, index) => bindPart(item, scope, index)),
        lengths: (batch) => lengths.numbers(batch),
      };
    },
  };
}

/** A JSON document with fixed keys: `json({ plan: oneOf(['free', 'pro']), seats: uniform(1, 50) })`. */
export function json(members: Record<string, Part>): Column<Record<string, any>> {
  return {
    structure: ['json', Object.entries(members).map(([key, part]) => [key, structureOf(part)])],
    bind(scope) {
      const encoder = new TextEncoder();
      const parts = Object.entries(members).map(([key, part], index) => ({
        key: encoder.encode(`${index === 0 ? '{' : ','}${JSON.stringify(key)}:`),
        writer: jsonWriter(bindPart(part, scope, key)),
      }));
      return {
        shape: 'text',
        json: true,
        writer(batch) {
          const writers = parts.map((part) => part.writer(batch));
          return (index, bytes) => {
            if (parts.length === 0) bytes.byte(123);
            for (let part = 0; part < parts.length; part++) {
              bytes.append(parts[part]!.key);
              writers[part]!(index, bytes);
            }
            bytes.byte(125);
          };
        },
      };
    },
  };
}

/** Appends a cell as JSON. Generated text may hold quotes, so only text that is JSON already is copied as it is. */
function jsonWriter(cells: Cells): TextCells['writer'] {
  if (cells.shape === 'text' && cells.json) return orNull(cells);
  if (cells.shape === 'number' && cells.unit === 'number') return orNull(asText(cells));
  if (cells.shape === 'choice') {
    const encoded = cells.choices.map((choice) => new TextEncoder().encode(JSON.stringify(choice)));
    return (batch) => {
      const indexes = cells.indexes(batch);
      return (index, bytes) => bytes.append(encoded[indexes[index]!] ?? nullText);
    };
  }
  return (batch) => (index, bytes) => bytes.string(JSON.stringify(valueAt(cells, batch, index)));
}

function orNull(cells: TextCells): TextCells['writer'] {
  return (batch) => {
    const absent = cells.absent?.(batch);
    const write = cells.writer(batch);
    return (index, bytes) => (absent?.[index] === 1 ? bytes.append(nullText) : write(index, bytes));
  };
}

const nullText = new TextEncoder().encode('null');
