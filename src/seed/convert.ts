/** Cells of one shape read as another, for generators that compute with what they are given. */
import { UsageError } from '../errors.ts';
import { valueAt } from './cells.ts';
import type { Cells, NumberCells, TextCells } from './cells.ts';

/**
 * Cells as numbers, for what computes with them: instants as milliseconds, booleans as 0 and 1, null as NaN.
 * @throws UsageError when the cells are no numbers
 */
export function asNumbers(cells: Cells): NumberCells {
  if (cells.shape === 'number') return cells;
  if (cells.shape === 'choice') {
    const numbers = Float64Array.from(cells.choices, numberOf);
    const unit = unitOf(cells.choices.find((choice) => choice !== null));
    if (cells.choices.every((choice, index) => choice === null || !Number.isNaN(numbers[index]))) {
      return {
        shape: 'number',
        unit,
        number(row) {
          const index = cells.index(row);
          return index < 0 ? Number.NaN : numbers[index]!;
        },
      };
    }
  }
  throw new UsageError('numbers, instants or booleans are needed here, and the column that is given has none');
}

function unitOf(value: unknown): NumberCells['unit'] {
  if (value instanceof Date) return 'instant';
  return typeof value === 'boolean' ? 'boolean' : 'number';
}

function numberOf(value: unknown): number {
  return value instanceof Date || typeof value === 'boolean' || typeof value === 'number' ? Number(value) : Number.NaN;
}

/** Cells as text; null stays null. */
export function asText(cells: Cells): TextCells {
  switch (cells.shape) {
    case 'text':
      return cells;
    case 'uuid': {
      const words = new Int32Array(4);
      return {
        shape: 'text',
        append(row, bytes) {
          cells.words(row, words);
          bytes.uuidText(words);
        },
        ...(cells.absent && { absent: (row: number) => cells.absent!(row) }),
      };
    }
    case 'number':
      if (cells.unit === 'number') return numberText(cells);
      break;
    case 'choice':
      return choiceText(cells.choices, (row) => cells.index(row));
    case 'list':
    case 'any':
  }
  return {
    shape: 'text',
    append: (row, bytes) => bytes.string(textOf(valueAt(cells, row))),
    absent: (row) => valueAt(cells, row) === null,
  };
}

function numberText(cells: NumberCells): TextCells {
  return {
    shape: 'text',
    append(row, bytes) {
      const value = cells.number(row);
      if (Number.isSafeInteger(value)) bytes.decimal(value);
      else bytes.string(String(value));
    },
    absent: (row) => Number.isNaN(cells.number(row)),
  };
}

function choiceText(choices: readonly unknown[], index: (row: number) => number): TextCells {
  const encoder = new TextEncoder();
  const encoded = choices.map((choice) => encoder.encode(textOf(choice)));
  return {
    shape: 'text',
    append: (row, bytes) => bytes.append(encoded[index(row)]!),
    absent: (row) => index(row) < 0,
  };
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
