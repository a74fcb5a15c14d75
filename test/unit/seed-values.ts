/** Cells of a seed, for tests that look at their values. */
import { createCatalog, defineSeed, type Column, type SeedSpec } from 'pgrehearse';

export const rows = 5_000;
export const now = '2026-11-01T00:00:00Z';

/** The values of one column of a table of 5,000 rows. */
export function values<T>(cells: Column<T>, latent: Record<string, Column> = {}): T[] {
  const seed = defineSeed({ asOf: now, tables: { t: { rows, latent, columns: { cells } } } });
  return all(seed, 't', 'cells') as T[];
}

export function all(seed: SeedSpec, table: string, name: string, number = 1): unknown[] {
  const catalog = createCatalog(seed, { seed: number, scale: 1 });
  return Array.from({ length: catalog.rows(table) }, (_, row) => catalog.cell(table, name, row));
}
