/** Cells taken from other rows: of parents, of tables that are referred to, of the batch that a selection was made from. */
import type { Batch } from './batch.ts';
import { absentCells, anyCells, choiceCells, numberCells } from './cells.ts';
import type { Absent, Cells, ChoiceCells, ListCells, NumberCells, TextCells, UuidCells } from './cells.ts';

/** The cells of the parent rows, which every row has: their vectors are taken as they are. */
export function atParents(cells: Cells, parents: (batch: Batch) => Batch): Cells {
  if (cells.shape === 'number') return { ...cells, numbers: (batch) => cells.numbers(parents(batch)) };
  if (cells.shape === 'choice') return { ...cells, indexes: (batch) => cells.indexes(parents(batch)) };
  if (cells.shape === 'any') return { ...cells, values: (batch) => cells.values(parents(batch)) };
  const { absent } = cells;
  const nulls = absent && { absent: (batch: Batch) => absent(parents(batch)) };
  if (cells.shape === 'uuid') return { ...cells, words: (batch) => cells.words(parents(batch)), ...nulls };
  if (cells.shape === 'text') return { ...cells, writer: (batch) => cells.writer(parents(batch)), ...nulls };
  const items = cells.items.map((item) => atParents(item, parents));
  return { ...cells, items, lengths: (batch) => cells.lengths(parents(batch)), ...nulls };
}

/** The cells of other rows, which `other` finds for a batch; row -1 gives null. */
export function atRows(cells: Cells, other: (batch: Batch) => Batch): Cells {
  if (cells.shape === 'number') {
    return numberCells(cells.unit, (batch, out) => {
      const { rows } = other(batch);
      const numbers = cells.numbers(other(batch));
      for (let at = 0; at < batch.count; at++) out[at] = rows[at]! < 0 ? Number.NaN : numbers[at]!;
    });
  }
  if (cells.shape === 'choice') {
    return choiceCells(cells.choices, (batch, out) => {
      const { rows } = other(batch);
      const indexes = cells.indexes(other(batch));
      for (let at = 0; at < batch.count; at++) out[at] = rows[at]! < 0 ? -1 : indexes[at]!;
    });
  }
  if (cells.shape === 'any') {
    return anyCells((batch, out) => {
      const { rows } = other(batch);
      const values = cells.values(other(batch));
      for (let at = 0; at < batch.count; at++) out[at] = rows[at]! < 0 ? null : values[at];
    });
  }
  const absent = absentAt(cells, other);
  if (cells.shape === 'uuid') return { ...cells, words: (batch) => cells.words(other(batch)), absent };
  if (cells.shape === 'text') return { ...cells, writer: (batch) => cells.writer(other(batch)), absent };
  const items = cells.items.map((item) => atRows(item, other));
  return { ...cells, items, lengths: (batch) => cells.lengths(other(batch)), absent };
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
  if (cells.shape === 'number') {
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
  if (cells.shape === 'choice') {
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
  return cells;
}
