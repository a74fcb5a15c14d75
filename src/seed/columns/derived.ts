/** Columns computed from other columns by a function: the escape hatch, in a fast form for numbers and a free one. */
import { Batch } from '../batch.ts';
import type { Fill } from '../batch.ts';
import { anyCells, valueAt } from '../cells.ts';
import type { Cells, NumberCells } from '../cells.ts';
import type { Column } from '../define.ts';
import { elementwise } from '../loops.ts';
import { unit } from '../random.ts';
import type { Lane } from '../random.ts';
import type { Scope } from '../scope.ts';
import { bindNumbers, bindPart, numberColumn, structureOf } from './part.ts';
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

function bindCombine(parts: readonly Part[], compute: Compute, scope: Scope): Fill<Float64Array> {
  const inputs = parts.map((part, index) => bindNumbers(part, scope, index));
  const loop = elementwise(compute, inputs.length);
  return (batch, out) => loop(out, batch.count, ...inputs.map((numbers) => numbers(batch)));
}

/** What a plain function sees of its row. */
export interface RowContext {
  /** The row's number, from 0. */
  readonly row: number;
  readonly asOf: Date;
  /** Another column of the same row, as `pg` takes it as a parameter. */
  readonly value: (column: string) => unknown;
  /** A column of the parent row. */
  readonly parent: (column: string) => unknown;
  /** Uniform in (0, 1), fixed by seed, table, column, row and the label. */
  readonly random: (label?: string) => number;
}

/** Any value by a plain function of the row: about a microsecond a cell, so not for the columns of the largest tables. */
export function compute<T>(make: (context: RowContext) => T): Column<T> {
  return {
    structure: ['compute', String(make)],
    bind(scope) {
      const { at } = new RowReader(scope);
      return anyCells(({ rows, count }, out) => {
        for (let index = 0; index < count; index++) out[index] = rows[index]! < 0 ? null : make(at(rows[index]!));
      });
    },
  };
}

/** Reads other cells of the row that is being computed. Its functions are fields, so that they may be taken apart. */
class RowReader {
  #row = 0;
  readonly #scope: Scope;
  readonly #asOf: Date;
  readonly #cells = new Map<string, { cells: Cells; batch: Batch }>();
  readonly #lanes = new Map<string, Lane>();

  constructor(scope: Scope) {
    this.#scope = scope;
    this.#asOf = new Date(scope.asOfMs);
  }

  readonly at = (row: number): RowContext => {
    this.#row = row;
    return { row, asOf: this.#asOf, value: this.#value, parent: this.#parent, random: this.#random };
  };

  readonly #value = (column: string): unknown =>
    this.#cellOf(column, this.#row, () => bindPart(column, this.#scope, 'value'));

  readonly #parent = (column: string): unknown => {
    const link = this.#scope.table.parent;
    if (link === undefined) throw new Error(`table ${this.#scope.table.name} has no parent`);
    return this.#cellOf(`parent.${column}`, link.grouping.groupOf(this.#row), () => link.table.column(column));
  };

  readonly #random = (label = ''): number => {
    let lane = this.#lanes.get(label);
    if (lane === undefined) {
      lane = this.#scope.lane(`random ${label}`);
      this.#lanes.set(label, lane);
    }
    return unit(lane, this.#row);
  };

  #cellOf(name: string, row: number, bind: () => Cells): unknown {
    let known = this.#cells.get(name);
    if (known === undefined) {
      known = { cells: bind(), batch: new Batch(1) };
      this.#cells.set(name, known);
    }
    return valueAt(known.cells, known.batch.consecutive(row, 1), 0);
  }
}
