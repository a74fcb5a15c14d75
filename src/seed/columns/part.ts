/** What generators are nested from: another column of the row by its name, or a generator. */
import type { Batch, Fill } from '../batch.ts';
import { numberCells } from '../cells.ts';
import type { Cells, NumberCells } from '../cells.ts';
import { asNumbers } from '../convert.ts';
import type { Column } from '../define.ts';
import type { Scope } from '../scope.ts';

/** Another column of the same row by its name, or a generator written in place. */
export type Part<T = unknown> = string | Column<T>;

export function structureOf(part: Part): unknown {
  return typeof part === 'string' ? { column: part } : part.structure;
}

export function bindPart(part: Part, scope: Scope, label: string | number): Cells {
  return typeof part === 'string' ? scope.table.column(part) : part.bind(scope.nested(label));
}

/** The part's numbers for a batch. */
export function bindNumbers(part: Part, scope: Scope, label: string | number): (batch: Batch) => Float64Array {
  const cells = asNumbers(bindPart(part, scope, label));
  return (batch) => cells.numbers(batch);
}

/** A generator of numbers; `bind` runs once when the column is bound and returns what fills a batch. */
export function numberColumn<T = number>(
  structure: unknown,
  bind: (scope: Scope) => Fill<Float64Array>,
  unit: NumberCells['unit'] = 'number',
): Column<T> {
  return { structure, bind: (scope) => numberCells(unit, bind(scope)) };
}
