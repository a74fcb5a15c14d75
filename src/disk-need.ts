/** How much room a run needs on the disk of the cache. */
import type { SeedCatalog } from './seed/catalog.ts';
import type { SeedSpec } from './seed/define.ts';
import { SnapshotStore } from './snapshot.ts';

/** A database with its indexes and what a migration leaves behind, over the plain data of its rows. */
const databaseFactor = 1.5;

/** What a busy server keeps of its write-ahead log, at most. */
const walBytes = 5e9;

/**
 * Room for the snapshots that are not in the cache yet and for one clone with its write-ahead log; a guess from a few rows
 * of each table, or from the snapshots where they exist.
 *
 * @param keys of the snapshots that the run uses
 */
export async function neededBytes(
  cacheDir: string,
  keys: ReadonlySet<string>,
  seed: { spec: SeedSpec; catalog: SeedCatalog },
): Promise<number> {
  const cached = new Map((await new SnapshotStore(cacheDir).list()).map(({ key, bytes }) => [key, bytes]));
  const guess = dataBytes(seed) * databaseFactor;
  const sizes = [...keys].map((key) => cached.get(key));
  const missing = sizes.filter((bytes) => bytes === undefined).length;
  const largest = Math.max(...sizes.map((bytes) => bytes ?? guess));
  return Math.round(missing * guess + largest + Math.min(walBytes, largest) + 1e8);
}

function dataBytes({ spec, catalog }: { spec: SeedSpec; catalog: SeedCatalog }): number {
  let bytes = 0;
  for (const [table, { columns }] of Object.entries(spec.tables)) {
    // 28 bytes: a row's header and its pointer in the page.
    bytes += catalog.rows(table) * (sampledRowBytes(catalog, table, Object.keys(columns)) + 28);
  }
  return bytes;
}

function sampledRowBytes(catalog: SeedCatalog, table: string, columns: readonly string[]): number {
  const rows = Math.min(20, catalog.rows(table));
  let bytes = 0;
  for (let row = 0; row < rows; row += 1) {
    for (const column of columns) bytes += JSON.stringify(catalog.cell(table, column, row) ?? '').length;
  }
  return rows === 0 ? 0 : bytes / rows;
}
