/** References: to rows of other tables, to the parent row, to other columns of the same row. Never a look-up. */
import { UsageError } from '../../errors.ts';
import type { Batch } from '../batch.ts';
import { atParents, atRows } from '../other-rows.ts';
import type { Column } from '../define.ts';
import { eachRow } from '../loops.ts';
import { Grouping } from '../grouping.ts';
import type { Counts } from '../grouping.ts';
import { below, laneOf, unit } from '../random.ts';
import { aliasSampler, normalQuantile } from '../sampling.ts';
import type { ParentLink, Scope, TableView } from '../scope.ts';
import { zipfSampler } from '../zipf.ts';
import { unitAt } from './numbers.ts';
import { bindNumbers, numberColumn, structureOf } from './part.ts';
import type { Part } from './part.ts';

/** Chooses a row of another table. */
export interface RowPick {
  readonly structure: unknown;
  bind(scope: Scope, rows: number): (row: number) => number;
}

/** Every row of the other table equally likely. */
export function evenly(): RowPick {
  return {
    structure: ['evenly'],
    bind(scope, rows) {
      const lane = scope.lane();
      return (row) => below(lane, row, rows);
    },
  };
}

/** Row k of the other table in proportion to 1 / (k + 1)^exponent: row 0 is the most frequent. */
export function zipfian(exponent: number): RowPick {
  return {
    structure: ['zipfian', exponent],
    bind(scope, rows) {
      const lane = scope.lane();
      const sample = zipfSampler(rows, exponent);
      return (row) => sample((attempt) => unitAt(lane, row, attempt));
    },
  };
}

/** Rows of the other table in proportion to a weight that depends on the row number and the number of rows. */
export function weightedRows(weight: (row: number, rows: number) => number): RowPick {
  return {
    structure: ['weightedRows', String(weight)],
    bind(scope, rows) {
      const lane = scope.lane();
      const sample = aliasSampler(Float64Array.from({ length: rows }, (_, row) => weight(row, rows)));
      return (row) => sample(unit(lane, row));
    },
  };
}

/**
 * Rows of the other table by shares that are spread log-normally, the largest share first: most users are small, some are ten
 * times as large. `sigma` is the standard deviation of the shares' logarithm. `first` gives row 0 a share of its own, for the one
 * user who is as large as all others together.
 */
export function logNormalShares(sigma: number, { first }: { first?: number } = {}): RowPick {
  const share = (row: number, rows: number): number => Math.exp(-sigma * normalQuantile((row + 0.5) / rows));
  return {
    structure: ['logNormalShares', sigma, first ?? null],
    bind(scope, rows) {
      const shares = Float64Array.from({ length: rows }, (_, row) => share(row, rows));
      if (first !== undefined)
        shares[0] = (first / (1 - first)) * shares.subarray(1).reduce((sum, one) => sum + one, 0);
      return weightedRows((row) => shares[row]!).bind(scope, rows);
    },
  };
}

/** Late rows of the other table more often: the age of the choice falls off exponentially, with this mean as a share of the table. */
export function recentFirst(meanAge = 0.1): RowPick {
  return {
    structure: ['recentFirst', meanAge],
    bind(scope, rows) {
      const lane = scope.lane();
      const reach = 1 - Math.exp(-1 / meanAge);
      return (row) => {
        const age = -Math.log(1 - unit(lane, row) * reach) * meanAge;
        return Math.max(0, rows - 1 - Math.floor(age * rows));
      };
    },
  };
}

/** Rows at about the same relative place in the other table: a normal spread, as a share of the table, around it. */
export function nearby(spread = 0.01): RowPick {
  return {
    structure: ['nearby', spread],
    bind(scope, rows) {
      const lane = scope.lane();
      const own = scope.table.rows;
      return (row) => {
        const place = (row + 0.5) / own + spread * normalQuantile(unit(lane, row));
        return Math.min(Math.max(Math.floor(place * rows), 0), rows - 1);
      };
    },
  };
}

/** A column of a row of another table, chosen by `pick` (default: evenly). For foreign keys. */
export function reference(table: string, column: string, pick: RowPick = evenly()): Column<any> {
  return lookup(table, column, rowOf(table, pick));
}

/** The number of a row of another table: for latent columns that several columns depend on. */
export function rowOf(table: string, pick: RowPick = evenly()): Column<number> {
  return numberColumn(['rowOf', table, pick.structure], (scope) => {
    const { rows } = scope.other(table);
    if (rows === 0) throw new UsageError(`table ${table} has no rows to refer to`);
    return eachRow(pick.bind(scope, rows));
  });
}

/** A column of the row of another table whose number is given; null where the number is null. */
export function lookup(table: string, column: string, rowNumber: Part<number>): Column<any> {
  return {
    structure: ['lookup', table, column, structureOf(rowNumber)],
    bind(scope) {
      const numbers = bindNumbers(rowNumber, scope, 'row');
      const key = {};
      const other = (batch: Batch): Batch =>
        batch.mapped(key, (from, rows) => {
          const found = numbers(from);
          for (let at = 0; at < from.count; at++) rows[at] = found[at]! >= 0 ? found[at]! : -1;
        });
      return atRows(scope.other(table).column(column), other);
    },
  };
}

/**
 * The number of a row of `table`, evenly among those that descend (through `childrenOf`) from a given row of `ancestor`:
 * an endpoint of this user, where endpoints are children of applications and applications of users. Null where it has none.
 */
export function rowUnder(table: string, ancestor: string, ancestorRow: Part<number>): Column<number | null> {
  return numberColumn<number | null>(['rowUnder', table, ancestor, structureOf(ancestorRow)], (scope) => {
    const lane = scope.lane();
    const first = firstDescendants(scope.other(table), scope.other(ancestor));
    const ancestors = bindNumbers(ancestorRow, scope, 'ancestor');
    return (batch, out) => {
      const found = ancestors(batch);
      for (let at = 0; at < batch.count; at++) {
        const from = first(found[at]!);
        const count = first(found[at]! + 1) - from;
        out[at] = count > 0 ? from + below(lane, batch.rows[at]!, count) : Number.NaN;
      }
    };
  });
}

/** Ancestors up to this number have the first rows of their descendants in a table: faster than computing them. */
const largestRangeTable = 65_536;

/** The first row of `table` that descends from a row of the ancestor; those of row k end where those of row k + 1 begin. */
function firstDescendants(table: TableView, ancestor: TableView): (row: number) => number {
  const links = linksBetween(table, ancestor.name);
  const compute = (row: number): number => links.reduce((first, { grouping }) => grouping.firstOf(first), row);
  if (ancestor.rows > largestRangeTable) return compute;
  const starts = Int32Array.from({ length: ancestor.rows + 1 }, (_, row) => compute(row));
  return (row) => starts[row]!;
}

/** A column of the parent row. */
export function parent(column: string): Column<any> {
  return {
    structure: ['parent', column],
    bind(scope) {
      const link = parentOf(scope);
      return atParents(link.table.column(column), (batch) => parentsOf(link, batch));
    },
  };
}

/** The number of the parent row. */
export function parentRow(): Column<number> {
  return numberColumn(['parentRow'], (scope) => {
    const { grouping } = parentOf(scope);
    return eachRow((row) => grouping.groupOf(row));
  });
}

/** The row's place among the children of its parent, counted from `from`. */
export function childNumber({ from = 1 }: { from?: number } = {}): Column<number> {
  return numberColumn(['childNumber', from], (scope) => {
    const { grouping } = parentOf(scope);
    return ({ rows, count }, out) => {
      for (let at = 0; at < count; at++) out[at] = from + grouping.placeOf(rows[at]!);
    };
  });
}

/** The number of children of the row's parent, the row itself included. */
export function siblings(): Column<number> {
  return numberColumn(['siblings'], (scope) => {
    const { grouping } = parentOf(scope);
    return ({ rows, count }, out) => {
      for (let at = 0; at < count; at++) out[at] = grouping.sizeOf(grouping.groupOf(rows[at]!));
    };
  });
}

/** The number of the row, from 0. */
export function rowNumber(): Column<number> {
  return numberColumn(['rowNumber'], () => eachRow((row) => row));
}

/** Another column of the same row. */
export function column(name: string): Column<any> {
  return { structure: { column: name }, bind: (scope) => scope.table.column(name) };
}

/** Consecutive rows that share something (the events of one blockchain transaction), with group sizes by share. */
export function groups(counts: Counts): { number(): Column<number>; place(): Column<number> } {
  const grouping = new Grouping(counts, laneOf('groups', JSON.stringify(counts)));
  return {
    /** Number of the row's group, from 0. */
    number: () => numberColumn(['groups', 'number', counts], () => eachRow((row) => grouping.groupOf(row))),
    /** The row's place in its group, from 0. */
    place: () => numberColumn(['groups', 'place', counts], () => eachRow((row) => grouping.placeOf(row))),
  };
}

/** @throws UsageError when the table's rows belong to no other rows */
export function parentOf(scope: Scope): ParentLink {
  if (scope.table.parent === undefined) {
    throw new UsageError(`table ${scope.table.name} has no parent: give it childrenOf`);
  }
  return scope.table.parent;
}

/** The parents of a batch's rows; one batch of them serves all columns. */
function parentsOf(link: ParentLink, batch: Batch): Batch {
  return batch.mappedByOrigin(link, (children, rows) => {
    for (let at = 0; at < children.count; at++) rows[at] = link.grouping.groupOf(children.rows[at]!);
  });
}

/** Links from the ancestor's children down to the table's rows. */
function linksBetween(table: TableView, ancestor: string): ParentLink[] {
  if (table.name === ancestor) return [];
  if (table.parent === undefined) throw new UsageError(`table ${table.name} does not descend from ${ancestor}`);
  return [...linksBetween(table.parent.table, ancestor), table.parent];
}
