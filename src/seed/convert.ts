/** Cells read in another way: as numbers, as text, of other rows, by a condition. */
import { UsageError } from '../errors.ts';
import type { Batch } from './batch.ts';
import { absentCells, anyCells, choiceCells, numberCells, uuidCells, valueAt } from './cells.ts';
import type { Absent, Cells, ChoiceCells, ListCells, NumberCells, TextCells, UuidCells } from './cells.ts';

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
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The cells of other rows, which `other` finds for a batch; row -1 gives null. */
export function atRows(cells: Cells, other: (batch: Batch) => Batch): Cells {
  switch (cells.shape) {
    case 'number':
      return numberCells(cells.unit, (batch, out) => {
        const { rows } = other(batch);
        const numbers = cells.numbers(other(batch));
        for (let at = 0; at < batch.count; at++) out[at] = rows[at]! < 0 ? Number.NaN : numbers[at]!;
      });
    case 'choice':
      return choiceCells(cells.choices, (batch, out) => {
        const { rows } = other(batch);
        const indexes = cells.indexes(other(batch));
        for (let at = 0; at < batch.count; at++) out[at] = rows[at]! < 0 ? -1 : indexes[at]!;
      });
    case 'any':
      return anyCells((batch, out) => {
        const { rows } = other(batch);
        const values = cells.values(other(batch));
        for (let at = 0; at < batch.count; at++) out[at] = rows[at]! < 0 ? null : values[at];
      });
    case 'uuid':
      return { ...cells, words: (batch) => cells.words(other(batch)), absent: absentAt(cells, other) };
    case 'text':
      return { ...cells, writer: (batch) => cells.writer(other(batch)), absent: absentAt(cells, other) };
    case 'list': {
      const items = cells.items.map((item) => atRows(item, other));
      return { ...cells, items, lengths: (batch) => cells.lengths(other(batch)), absent: absentAt(cells, other) };
    }
  }
}

function absentAt(cells: UuidCells | TextCells | ListCells, other: (batch: Batch) => Batch): Absent {
  return absentCells((batch, out) => {
    const { rows } = other(batch);
    const absent = cells.absent?.(other(batch));
    for (let at = 0; at < batch.count; at++) out[at] = rows[at]! < 0 ? 1 : (absent?.[at] ?? 0);
  });
}

/**
 * The same cells, but a selection of rows takes what was computed for the rows that it was selected from: for columns that
 * several others depend on. Text and lists are built where they are written.
 */
export function sharedCells(cells: Cells): Cells {
  switch (cells.shape) {
    case 'number': {
      const gather = numberCells(cells.unit, (batch, out) => {
        const numbers = shared.numbers(batch.origin!);
        for (let at = 0; at < batch.count; at++) out[at] = numbers[batch.positions[at]!]!;
      });
      const shared: NumberCells = {
        ...cells,
        numbers: (batch) => (batch.origin === undefined ? cells : gather).numbers(batch),
      };
      return shared;
    }
    case 'choice': {
      const gather = choiceCells(cells.choices, (batch, out) => {
        const indexes = shared.indexes(batch.origin!);
        for (let at = 0; at < batch.count; at++) out[at] = indexes[batch.positions[at]!]!;
      });
      const shared: ChoiceCells = {
        ...cells,
        indexes: (batch) => (batch.origin === undefined ? cells : gather).indexes(batch),
      };
      return shared;
    }
    default:
      return cells;
  }
}

/** Null where the test is true. */
export function withNulls(cells: Cells, test: (batch: Batch) => Float64Array): Cells {
  switch (cells.shape) {
    case 'number':
      return numberCells(cells.unit, (batch, out) => {
        const isNull = test(batch);
        const numbers = cells.numbers(batch);
        for (let at = 0; at < batch.count; at++) out[at] = isNull[at]! > 0 ? Number.NaN : numbers[at]!;
      });
    case 'choice':
      return choiceCells(cells.choices, (batch, out) => {
        const isNull = test(batch);
        const indexes = cells.indexes(batch);
        for (let at = 0; at < batch.count; at++) out[at] = isNull[at]! > 0 ? -1 : indexes[at]!;
      });
    case 'any':
      return anyCells((batch, out) => {
        const isNull = test(batch);
        const values = cells.values(batch);
        for (let at = 0; at < batch.count; at++) out[at] = isNull[at]! > 0 ? null : values[at];
      });
    default: {
      const absent = absentCells((batch, out) => {
        const isNull = test(batch);
        const before = cells.absent?.(batch);
        for (let at = 0; at < batch.count; at++) out[at] = isNull[at]! > 0 ? 1 : (before?.[at] ?? 0);
      });
      return { ...cells, absent };
    }
  }
}

/** Cells of two generators, the first where the condition is true; each computes its own rows only. */
export function eitherCells(condition: NumberCells, first: Cells, second: Cells): Cells {
  const split = new Split(condition);
  if (first.shape === 'choice' && second.shape === 'choice') return split.choices(first, second);
  if (first.shape === 'uuid' && second.shape === 'uuid') return split.uuids(first, second);
  const textual = [first, second].some(({ shape }) => shape === 'text');
  const any = [first, second].some(({ shape }) => shape === 'any' || shape === 'list');
  if (any) return split.values(first, second);
  return textual ? split.texts(asText(first), asText(second)) : split.numbers(asNumbers(first), asNumbers(second));
}

/** Divides a batch by a condition and puts the results of both parts together again. */
class Split {
  readonly #condition: NumberCells;
  readonly #firstKey = {};
  readonly #secondKey = {};
  readonly #placeKey = {};

  constructor(condition: NumberCells) {
    this.#condition = condition;
  }

  #first(batch: Batch): Batch {
    return batch.selected(this.#firstKey, this.#condition.numbers(batch), true);
  }

  #second(batch: Batch): Batch {
    return batch.selected(this.#secondKey, this.#condition.numbers(batch), false);
  }

  /** Where a row's result is: index i in the first part, or ~i in the second. */
  #places(batch: Batch): Int32Array {
    return batch.integers(this.#placeKey, (whole, out) => {
      const [first, second] = [this.#first(whole), this.#second(whole)];
      for (let at = 0; at < first.count; at++) out[first.positions[at]!] = at;
      for (let at = 0; at < second.count; at++) out[second.positions[at]!] = ~at;
    });
  }

  numbers(first: NumberCells, second: NumberCells): NumberCells {
    return numberCells(first.unit, (batch, out) => {
      scatter(first.numbers(this.#first(batch)), this.#first(batch), 0, out);
      scatter(second.numbers(this.#second(batch)), this.#second(batch), 0, out);
    });
  }

  /** Between the choices of both stands null, where -1 of the second comes to lie. */
  choices(first: ChoiceCells, second: ChoiceCells): ChoiceCells {
    return choiceCells([...first.choices, null, ...second.choices], (batch, out) => {
      scatter(first.indexes(this.#first(batch)), this.#first(batch), 0, out);
      scatter(second.indexes(this.#second(batch)), this.#second(batch), first.choices.length + 1, out);
    });
  }

  uuids(first: UuidCells, second: UuidCells): UuidCells {
    return uuidCells(
      (batch, out) => {
        const place = this.#places(batch);
        const [a, b] = [first.words(this.#first(batch)), second.words(this.#second(batch))];
        for (let at = 0; at < batch.count; at++) {
          const words = place[at]! >= 0 ? a : b;
          const from = 4 * (place[at]! >= 0 ? place[at]! : ~place[at]!);
          for (let word = 0; word < 4; word++) out[at * 4 + word] = words[from + word]!;
        }
      },
      this.#absent(first, second),
    );
  }

  texts(first: TextCells, second: TextCells): TextCells {
    return {
      shape: 'text',
      json: first.json === true && second.json === true,
      writer: (batch) => {
        const place = this.#places(batch);
        const [a, b] = [first.writer(this.#first(batch)), second.writer(this.#second(batch))];
        return (index, bytes) => (place[index]! >= 0 ? a(place[index]!, bytes) : b(~place[index]!, bytes));
      },
      absent: this.#absent(first, second),
    };
  }

  values(first: Cells, second: Cells): Cells {
    return anyCells((batch, out) => {
      const place = this.#places(batch);
      for (let at = 0; at < batch.count; at++) {
        const i = place[at]!;
        out[at] = i >= 0 ? valueAt(first, this.#first(batch), i) : valueAt(second, this.#second(batch), ~i);
      }
    });
  }

  #absent(first: { absent?: Absent }, second: { absent?: Absent }): Absent {
    return absentCells((batch, out) => {
      const place = this.#places(batch);
      const [a, b] = [first.absent?.(this.#first(batch)), second.absent?.(this.#second(batch))];
      for (let at = 0; at < batch.count; at++) {
        out[at] = (place[at]! >= 0 ? a?.[place[at]!] : b?.[~place[at]!]) ?? 0;
      }
    });
  }
}

/** Puts the results of a selection where its rows stand in the whole batch. */
function scatter<T extends Int32Array | Float64Array>(part: T, selection: Batch, offset: number, out: T): void {
  const { count, positions } = selection;
  for (let at = 0; at < count; at++) out[positions[at]!] = part[at]! + offset;
}
