/** The shapes that people write to describe seeded rows. */
import { UsageError } from '../errors.ts';
import type { Cells } from './cells.ts';
import type { Scope } from './scope.ts';

/**
 * Makes the cells of one column. Built by the column generators (`uuid()`, `uniform(1, 6)`, ...), which nest.
 *
 * A generator holds no state: a cell depends on (seed, table, column, row) only.
 */
export interface Column<T = unknown> {
  /** JSON-able structure of the generator and its options: part of the snapshot key. Functions stand as their source text. */
  readonly structure: unknown;
  /** Fixes seed, scale and table, and returns what computes the cells. */
  bind(scope: Scope): Cells;
  /** Never set: carries the type of the cells' values. */
  readonly valueType?: T;
}

/** Rows that belong to rows of another table: each parent has a number of children drawn from `counts`. */
export interface ChildrenOf {
  /** The parent table. */
  table: string;
  /**
   * How many children a parent has, with the share of parents that have so many: `[[1, 0.84], [2, 0.12], [3, 0.04]]`.
   * The shares hold exactly in every block of 4,096 parents (up to rounding), so that children are found without a look-up.
   */
  counts: readonly (readonly [children: number, share: number])[];
}

interface TableShape {
  /** Computed columns that are not in the table, for others to depend on. */
  latent?: Record<string, Column>;
  /** Generators by column name, for every column without a default that should be filled. */
  columns: Record<string, Column>;
}

/** A table with a number of rows of its own. */
export interface RootTableSpec extends TableShape {
  /** Rows at scale 1. */
  rows: number;
  /** The same number of rows at every scale. */
  fixed?: boolean;
  /** At least so many rows, however small the scale. Default 1. */
  minimumRows?: number;
  childrenOf?: never;
}

/** A table whose rows belong to rows of another table; its number of rows follows from the parents. */
export interface ChildTableSpec extends TableShape {
  childrenOf: ChildrenOf;
  rows?: never;
  fixed?: never;
  minimumRows?: never;
}

export type TableSpec = RootTableSpec | ChildTableSpec;

/** What the rows of a database look like: deterministic by (seed, scale, table, row). */
export interface SeedSpec {
  /** The instant that the data takes for "now", ISO 8601 with zone. Fixed, so that a snapshot never grows old. */
  asOf: string;
  /** Tables by name; `schema.table` for another schema than `public`. */
  tables: Record<string, TableSpec>;
}

/**
 * Declares a seed.
 *
 * @example
 * defineSeed({
 *   asOf: '2026-11-01T00:00:00Z',
 *   tables: {
 *     users: { rows: 2_000, columns: { id: uuid(), created_at: timestamp({ days: 365 }) } },
 *     orders: { rows: 1_000_000, columns: { id: uuid(), user_id: reference('users', 'id', zipf(1.1)) } },
 *   },
 * });
 * @throws UsageError that tells all faults which need no database: a bad instant, counts that are no numbers, unknown parents
 */
export function defineSeed(spec: SeedSpec): SeedSpec {
  const faults = [
    ...(Number.isNaN(Date.parse(spec.asOf)) ? [`asOf ${JSON.stringify(spec.asOf)} is not an ISO 8601 instant`] : []),
    ...Object.entries(spec.tables).flatMap(([name, table]) =>
      tableFaults(spec, table).map((fault) => `table ${name}: ${fault}`),
    ),
  ];
  if (faults.length > 0) {
    throw new UsageError(`The seed is not valid: ${faults.join('; ')}.`, {
      hint: 'Correct the definition passed to defineSeed.',
    });
  }
  return spec;
}

/** Rows are numbered with 32-bit integers, sign excluded. */
const largestTable = 2 ** 31 - 1;

function tableFaults(spec: SeedSpec, table: TableSpec): string[] {
  if (table.childrenOf !== undefined) {
    const { table: parent, counts } = table.childrenOf;
    return [
      ...(spec.tables[parent] === undefined ? [`parent table ${parent} is not in the seed`] : []),
      ...(counts.length > 0 && counts.every(([children, share]) => isCount(children) && share >= 0)
        ? []
        : ['childrenOf.counts must list [children, share] with whole children and shares from 0']),
    ];
  }
  return [
    ...(isCount(table.rows) && table.rows <= largestTable
      ? []
      : [`rows must be a whole number up to ${largestTable}, not ${String(table.rows)}`]),
    ...(table.minimumRows === undefined || isCount(table.minimumRows) ? [] : ['minimumRows must be a whole number']),
  ];
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}
