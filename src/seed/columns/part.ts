/** What generators are nested from: another column of the row by its name, or a generator. */
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

export function bindNumber(part: Part, scope: Scope, label: string | number): NumberCells['number'] {
  const cells = asNumbers(bindPart(part, scope, label));
  return (row) => cells.number(row);
}

/** A generator of numbers; the function that it is given runs once when the column is bound. */
export function numberColumn<T = number>(
  structure: unknown,
  bind: (scope: Scope) => NumberCells['number'],
  unit: NumberCells['unit'] = 'number',
): Column<T> {
  return { structure, bind: (scope) => ({ shape: 'number', unit, number: bind(scope) }) };
}
