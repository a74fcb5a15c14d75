/** Cells of one shape read as another, for generators that compute with what they are given. */
import { UsageError } from '../errors.ts';
import { absentCells, numberCells, valueAt } from './cells.ts';
import type { Cells, ChoiceCells, NumberCells, TextCells, UuidCells } from './cells.ts';

/**
 * Cells as numbers, for what computes with them: instants as milliseconds, booleans as 0 and 1, null as NaN.
 * @throws UsageError when the cells are no numbers
 */
export function asNumbers(cells: Cells): NumberCells {
  if (cells.shape === 'number') return cells;
  if (cells.shape === 'choice' && cells.choices.every((choice) => choice === null || isNumeric(choice))) {
    // Index -1, null, is the first place.
    const numbers = Float64Array.from([null, ...cells.choices], (choice) =>
      choice === null ? Number.NaN : Number(choice),
    );
    return numberCells(unitOf(cells.choices.find((choice) => choice !== null)), (batch, out) => {
      const indexes = cells.indexes(batch);
      for (let at = 0; at < batch.count; at++) out[at] = numbers[indexes[at]! + 1]!;
    });
  }
  throw new UsageError('numbers, instants or booleans are needed here, and the column that is given has none');
}

function isNumeric(value: unknown): boolean {
  return value instanceof Date || typeof value === 'boolean' || typeof value === 'number';
}

function unitOf(value: unknown): NumberCells['unit'] {
  if (value instanceof Date) return 'instant';
  return typeof value === 'boolean' ? 'boolean' : 'number';
}

/** Cells as text; null stays null. */
export function asText(cells: Cells): TextCells {
  if (cells.shape === 'text') return cells;
  if (cells.shape === 'uuid') return uuidText(cells);
  if (cells.shape === 'choice') return choiceText(cells);
  if (cells.shape === 'number' && cells.unit === 'number') return numberText(cells);
  return {
    shape: 'text',
    writer: (batch) => (index, bytes) => bytes.string(textOf(valueAt(cells, batch, index))),
    absent: absentCells((batch, out) => {
      for (let at = 0; at < batch.count; at++) out[at] = valueAt(cells, batch, at) === null ? 1 : 0;
    }),
  };
}

function uuidText(cells: UuidCells): TextCells {
  return {
    shape: 'text',
    writer(batch) {
      const words = cells.words(batch);
      return (index, bytes) => bytes.uuidText(words, index * 4);
    },
    ...(cells.absent && { absent: cells.absent }),
  };
}

function choiceText(cells: ChoiceCells): TextCells {
  const encoder = new TextEncoder();
  const encoded = cells.choices.map((choice) => (choice === null ? undefined : encoder.encode(textOf(choice))));
  return {
    shape: 'text',
    writer(batch) {
      const indexes = cells.indexes(batch);
      return (index, bytes) => bytes.append(encoded[indexes[index]!]!);
    },
    absent: absentCells((batch, out) => {
      const indexes = cells.indexes(batch);
      for (let at = 0; at < batch.count; at++) out[at] = encoded[indexes[at]!] === undefined ? 1 : 0;
    }),
  };
}

function numberText(cells: NumberCells): TextCells {
  return {
    shape: 'text',
    writer(batch) {
      const numbers = cells.numbers(batch);
      return (index, bytes) => {
        const value = numbers[index]!;
        if (Number.isSafeInteger(value)) bytes.decimal(value);
        else bytes.string(String(value));
      };
    },
    absent: absentCells((batch, out) => {
      const numbers = cells.numbers(batch);
      for (let at = 0; at < batch.count; at++) out[at] = Number.isNaN(numbers[at]) ? 1 : 0;
    }),
  };
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' || typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
