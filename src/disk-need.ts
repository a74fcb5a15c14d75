/** How much room a run needs on the disk of the cache, and which scale fits into the room that there is. */
import { createCatalog, type SeedCatalog } from './seed/catalog.ts';
import type { SeedSpec } from './seed/define.ts';
import { SnapshotStore } from './snapshot.ts';

/** A database with its indexes and what a migration leaves behind, over the plain data of its rows. */
const databaseFactor = 1.5;

/** What a busy server keeps of its write-ahead log, at most. */
const walBytes = 5e9;

/** An empty server, and what is too small to be counted apart. */
const baseBytes = 1e8;

/** A row's header and its pointer in the page. */
const rowOverheadBytes = 28;

/** Rows looked at in each table, evenly spread. */
const sampledRows = 64;

/** The seed of a run, for which room is needed. */
export interface NeedRequest {
  spec: SeedSpec;
  seed: number;
  scale: number;
  catalog: SeedCatalog;
  /** Keys of the snapshots that the run uses. */
  keys: ReadonlySet<string>;
  /** Copies of a snapshot that a stage has alive: its clone, and a replica's; 0 where snapshots are only made. */
  clones: number;
}

/** The room that a run needs: a guess from a few rows of each table, or from the snapshots where they exist. */
export class DiskNeed {
  /** Room for the snapshots that are not in the cache yet, and for the clones of one stage with their write-ahead logs. */
  readonly bytes: number;
  readonly #request: NeedRequest;
  readonly #rowBytes: ReadonlyMap<string, number>;

  private constructor(request: NeedRequest, cachedBytes: ReadonlyMap<string, number>) {
    this.#request = request;
    this.#rowBytes = new Map(Object.keys(request.spec.tables).map((table) => [table, rowBytes(request, table)]));
    const guess = this.dataBytes() * databaseFactor;
    const sizes = [...request.keys].map((key) => cachedBytes.get(key));
    const missing = sizes.filter((bytes) => bytes === undefined).length;
    const largest = Math.max(...sizes.map((bytes) => bytes ?? guess));
    this.bytes = roomFor({ count: missing, bytes: guess }, { count: request.clones, bytes: largest });
  }

  static async of(cacheDir: string, request: NeedRequest): Promise<DiskNeed> {
    await using store = new SnapshotStore(cacheDir);
    return new DiskNeed(request, new Map((await store.list()).map(({ key, bytes }) => [key, bytes])));
  }

  /** The plain data of all rows, without indexes; a guess. */
  dataBytes(scale = this.#request.scale): number {
    const { spec, seed, catalog } = this.#request;
    const rowsAt = scale === this.#request.scale ? catalog : createCatalog(spec, { seed, scale });
    return [...this.#rowBytes].reduce((sum, [table, bytes]) => sum + rowsAt.rows(table) * bytes, 0);
  }

  /**
   * The largest scale with two digits at which a run from nothing fits into so much room; undefined when none does.
   * @param growth how many times larger the rows turned out to be than they were guessed to be
   */
  scaleFor(roomBytes: number, growth = 1): number | undefined {
    const { keys, scale, clones } = this.#request;
    const needAt = (scale: number): number => {
      const guess = this.dataBytes(scale) * growth * databaseFactor;
      return roomFor({ count: keys.size, bytes: guess }, { count: clones, bytes: guess });
    };
    // Not by proportion: some tables have a fixed size, and the log stops growing.
    let [fits, exceeds] = [scale / 1e6, scale];
    for (let step = 0; step < 24; step++) {
      const middle = Math.sqrt(fits * exceeds);
      if (needAt(middle) <= roomBytes) fits = middle;
      else exceeds = middle;
    }
    return needAt(fits) <= roomBytes ? roundedDown(fits) : undefined;
  }
}

/** So many copies of a database, each so large. */
interface Copies {
  count: number;
  bytes: number;
}

/** New snapshots and the clones of one stage, and the write-ahead log of each server that is alive at a time: of the larger database. */
function roomFor(snapshots: Copies, clones: Copies): number {
  if (snapshots.count === 0 && clones.count === 0) return 0;
  const written = Math.max(...[snapshots, clones].map(({ count, bytes }) => (count > 0 ? bytes : 0)));
  const servers = Math.max(1, clones.count);
  return Math.round(
    snapshots.count * snapshots.bytes + clones.count * clones.bytes + servers * Math.min(walBytes, written) + baseBytes,
  );
}

function rowBytes({ spec, catalog }: NeedRequest, table: string): number {
  const rows = catalog.rows(table);
  const count = Math.min(rows, sampledRows);
  let bytes = 0;
  for (const column of Object.keys(spec.tables[table]!.columns)) {
    for (let index = 0; index < count; index++) {
      const cell = catalog.cell(table, column, Math.floor((index * rows) / count));
      bytes += JSON.stringify(cell ?? '').length;
    }
  }
  return rowOverheadBytes + (count === 0 ? 0 : bytes / count);
}

/** Two digits: 0.4386 is 0.43, 12.9 is 12. */
function roundedDown(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.floor(value / unit) * unit).toPrecision(2));
}
