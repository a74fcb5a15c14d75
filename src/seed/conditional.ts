/** Cells that depend on a condition: null or not, this generator or that. */
import type { Batch } from './batch.ts';
import { absentCells, anyCells, choiceCells, numberCells, uuidCells, valueAt } from './cells.ts';
import type { Absent, Cells, ChoiceCells, NumberCells, TextCells, UuidCells } from './cells.ts';
import { asNumbers, asText } from './convert.ts';

/** Null where the test is true. */
export function withNulls(cells: Cells, test: (batch: Batch) => Float64Array): Cells {
  if (cells.shape === 'number') {
    return numberCells(cells.unit, (batch, out) => {
      const isNull = test(batch);
      const numbers = cells.numbers(batch);
      for (let at = 0; at < batch.count; at++) out[at] = isNull[at]! > 0 ? Number.NaN : numbers[at]!;
    });
  }
  if (cells.shape === 'choice') {
    return choiceCells(cells.choices, (batch, out) => {
      const isNull = test(batch);
      const indexes = cells.indexes(batch);
      for (let at = 0; at < batch.count; at++) out[at] = isNull[at]! > 0 ? -1 : indexes[at]!;
    });
  }
  if (cells.shape === 'any') {
    return anyCells((batch, out) => {
      const isNull = test(batch);
      const values = cells.values(batch);
      for (let at = 0; at < batch.count; at++) out[at] = isNull[at]! > 0 ? null : values[at];
    });
  }
  const absent = absentCells((batch, out) => {
    const isNull = test(batch);
    const before = cells.absent?.(batch);
    for (let at = 0; at < batch.count; at++) out[at] = isNull[at]! > 0 ? 1 : (before?.[at] ?? 0);
  });
  return { ...cells, absent };
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
