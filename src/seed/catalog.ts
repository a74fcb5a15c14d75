/** The seeded values by table, column and row: how load parameters name rows that exist. */
import { createHash } from 'node:crypto';
import { UsageError } from '../errors.ts';
import { Batch } from './batch.ts';
import { bindSeed } from './bind.ts';
import type { BoundSeed, BoundTable, SeedChoice } from './bind.ts';
import { valueAt } from './cells.ts';
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

interface OneRow {
  table: BoundTable;
  batch: Batch;
}

/** @throws UsageError when the definition has faults */
export function createCatalog(spec: SeedSpec, choice: SeedChoice): SeedCatalog {
  const bound = bindSeed(spec, choice);
  const known = new Map<string, OneRow>();
  const oneRow = (table: string): OneRow => {
    let one = known.get(table);
    if (one === undefined) known.set(table, (one = { table: tableOf(bound, table), batch: new Batch(1) }));
    return one;
  };
  return {
    tables: () => [...bound.keys()],
    rows: (table) => tableOf(bound, table).rows,
    cell(table, column, row) {
      const one = oneRow(table);
      if (!(row >= 0 && row < one.table.rows && Number.isInteger(row))) {
        throw new UsageError(`Table ${table} of the seed has no row ${row}: it has ${one.table.rows} rows.`);
      }
      // The same row again: what was computed for its other columns is still there.
      if (one.batch.count === 0 || one.batch.rows[0] !== row) one.batch.consecutive(row, 1);
      return valueAt(one.table.column(column), one.batch, 0);
    },
  };
}

/** Raised whenever the same definition gives other rows than before, by a change of the generators' insides. */
const generatorsVersion = 1;

/** Rows sampled of each table, beside the first ones. */
const sampledRows = 64;

/**
 * A SHA-256 over the definition and a sample of its cells: it changes when a generator, its options, a function's source or
 * the values that a function returns change, and when the seed number or the scale do.
 */
export function seedDigest(spec: SeedSpec, choice: SeedChoice): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([generatorsVersion, spec.asOf, choice.seed, choice.scale]));
  for (const [name, bound] of bindSeed(spec, choice)) {
    const { columns, latent, ...shape } = spec.tables[name]!;
    const structures = Object.entries({ ...latent, ...columns }).map(([column, { structure }]) => [column, structure]);
    hash.update(JSON.stringify([name, shape, bound.rows, bound.columnNames, structures]));
    const batch = new Batch(1);
    for (const row of sampleOf(bound.rows)) hash.update(JSON.stringify(valuesOf(bound, batch.consecutive(row, 1))));
  }
  return hash.digest('hex');
}

function valuesOf(table: BoundTable, one: Batch): unknown[] {
  return table.columnNames.map((column) => valueAt(table.cells(column), one, 0));
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
