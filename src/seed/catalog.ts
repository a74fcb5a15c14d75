/** The seeded values by table, column and row: how load parameters name rows that exist. */
import { createHash } from 'node:crypto';
import { UsageError } from '../errors.ts';
import { bindSeed } from './bind.ts';
import type { BoundSeed, BoundTable, SeedChoice } from './bind.ts';
import { valueAt } from './cells.ts';
import type { Cells } from './cells.ts';
import type { SeedSpec } from './define.ts';

/** Every cell of a seed, computed on demand. */
export interface SeedCatalog {
  /** Tables of the seed, in the order of the definition. */
  tables(): string[];
  /** @throws UsageError when the seed has no such table */
  rows(table: string): number;
  /**
   * A cell as `pg` takes it as a parameter: string, number, boolean, Date, array, object or null. Latent columns can be asked
   * too. A microsecond or so.
   * @throws UsageError when the seed has no such table, column or row
   */
  cell(table: string, column: string, row: number): unknown;
}

/** @throws UsageError when the definition has faults */
export function createCatalog(spec: SeedSpec, choice: SeedChoice): SeedCatalog {
  const bound = bindSeed(spec, choice);
  const known = new Map<string, Map<string, Cells>>();
  const cellsOf = (table: string, column: string): Cells => {
    let columns = known.get(table);
    if (columns === undefined) known.set(table, (columns = new Map()));
    let cells = columns.get(column);
    if (cells === undefined) columns.set(column, (cells = tableOf(bound, table).column(column)));
    return cells;
  };
  return {
    tables: () => [...bound.keys()],
    rows: (table) => tableOf(bound, table).rows,
    cell(table, column, row) {
      const cells = cellsOf(table, column);
      if (!(row >= 0 && row < tableOf(bound, table).rows && Number.isInteger(row))) {
        throw new UsageError(
          `Table ${table} of the seed has no row ${row}: it has ${tableOf(bound, table).rows} rows.`,
        );
      }
      return valueAt(cells, row);
    },
  };
}

/** Rows sampled of each table, beside the first ones. */
const sampledRows = 64;

/**
 * A SHA-256 over the definition and a sample of its cells: it changes when a generator, its options, a function's source or
 * the values that a function returns change, and when the seed number or the scale do.
 */
export function seedDigest(spec: SeedSpec, choice: SeedChoice): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([spec.asOf, choice.seed, choice.scale]));
  for (const [name, bound] of bindSeed(spec, choice)) {
    const { columns, latent, ...shape } = spec.tables[name]!;
    const structures = Object.entries({ ...latent, ...columns }).map(([column, { structure }]) => [column, structure]);
    hash.update(JSON.stringify([name, shape, bound.rows, bound.columnNames, structures]));
    for (const row of sampleOf(bound.rows)) hash.update(JSON.stringify(valuesOf(bound, row)));
  }
  return hash.digest('hex');
}

function valuesOf(table: BoundTable, row: number): unknown[] {
  return table.columnNames.map((column) => valueAt(table.cells(column), row));
}

function sampleOf(rows: number): number[] {
  const count = Math.min(rows, sampledRows);
  return Array.from({ length: count }, (_, index) => Math.floor((index * rows) / count));
}

function tableOf(bound: BoundSeed, table: string): BoundTable {
  const found = bound.get(table);
  if (found === undefined) {
    throw new UsageError(`The seed has no table ${table}.`, { hint: `It has ${[...bound.keys()].join(', ')}.` });
  }
  return found;
}
