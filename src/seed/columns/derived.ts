/** Columns computed from other columns by a function: the escape hatch, in a fast form for numbers and a free one. */
import { valueAt } from '../cells.ts';
import type { Cells, NumberCells } from '../cells.ts';
import type { Column } from '../define.ts';
import { unit } from '../random.ts';
import type { Lane } from '../random.ts';
import type { Scope } from '../scope.ts';
import { bindNumber, bindPart, numberColumn, structureOf } from './part.ts';
import type { Part } from './part.ts';

/** What the numbers of a computed column mean; default `number`. */
interface CombineOptions {
  as?: NumberCells['unit'];
}

type Numbers<Parts extends readonly Part[]> = { [Index in keyof Parts]: number };

/**
 * A number computed from numbers of the same row. Instants come as milliseconds, booleans as 0 and 1, null as NaN, and go out
 * the same way.
 *
 * @example total: combine(['price', 'quantity'], (price, quantity) => price * quantity)
 */
export function combine<const Parts extends readonly Part[]>(
  parts: Parts,
  compute: (...numbers: Numbers<Parts>) => number,
  { as = 'number' }: CombineOptions = {},
): Column<any> {
  const structure = ['combine', parts.map(structureOf), String(compute), as];
  return numberColumn<any>(structure, (scope) => bindCombine(parts, compute as Compute, scope), as);
}

type Compute = (...numbers: number[]) => number;

function bindCombine(parts: readonly Part[], compute: Compute, scope: Scope): (row: number) => number {
  const numbers = parts.map((part, index) => bindNumber(part, scope, index));
  const [a, b, c, d] = numbers;
  // Written out because spreading an array for each row costs more than most functions given here.
  switch (numbers.length) {
    case 1:
      return (row) => compute(a!(row));
    case 2:
      return (row) => compute(a!(row), b!(row));
    case 3:
      return (row) => compute(a!(row), b!(row), c!(row));
    case 4:
      return (row) => compute(a!(row), b!(row), c!(row), d!(row));
    default:
      return (row) => compute(...numbers.map((number) => number(row)));
  }
}

/** What a plain function sees of its row. */
export interface RowContext {
  /** The row's number, from 0. */
  readonly row: number;
  readonly asOf: Date;
  /** Another column of the same row, as `pg` takes it as a parameter. */
  value(column: string): unknown;
  /** A column of the parent row. */
  parent(column: string): unknown;
  /** Uniform in (0, 1), fixed by seed, table, column, row and the label. */
  random(label?: string): number;
}

/** Any value by a plain function of the row: about a microsecond a cell, so not for the columns of the largest tables. */
export function compute<T>(make: (context: RowContext) => T): Column<T> {
  return {
    structure: ['compute', String(make)],
    bind(scope) {
      const context = new BoundContext(scope);
      return { shape: 'any', value: (row) => make(context.at(row)) };
    },
  };
}

class BoundContext implements RowContext {
  row = 0;
  readonly asOf: Date;
  readonly #scope: Scope;
  readonly #cells = new Map<string, Cells>();
  readonly #lanes = new Map<string, Lane>();

  constructor(scope: Scope) {
    this.#scope = scope;
    this.asOf = new Date(scope.asOfMs);
  }

  at(row: number): this {
    this.row = row;
    return this;
  }

  value(column: string): unknown {
    return this.#valueOf(column, this.row, () => bindPart(column, this.#scope, 'value'));
  }

  parent(column: string): unknown {
    const link = this.#scope.table.parent;
    if (link === undefined) throw new Error(`table ${this.#scope.table.name} has no parent`);
    return this.#valueOf(`parent.${column}`, link.grouping.groupOf(this.row), () => link.table.column(column));
  }

  random(label = ''): number {
    let lane = this.#lanes.get(label);
    if (lane === undefined) {
      lane = this.#scope.lane(`random ${label}`);
      this.#lanes.set(label, lane);
    }
    return unit(lane, this.row);
  }

  #valueOf(name: string, row: number, bind: () => Cells): unknown {
    let cells = this.#cells.get(name);
    if (cells === undefined) {
      cells = bind();
      this.#cells.set(name, cells);
    }
    const own = this.row;
    const value = valueAt(cells, row);
    this.row = own;
    return value;
  }
}
