/** Rows of a table as binary COPY data, in chunks of rows that any worker can produce. */
import { UsageError, messageOf } from '../errors.ts';
import type { BoundTable } from './bind.ts';
import type { ByteWriter } from './byte-writer.ts';
import { cellEncoder } from './encode-cell.ts';
import type { CellEncoder } from './encode-cell.ts';
import type { ColumnType } from './encode-value.ts';

/** A column of the real table. */
export interface TableColumn extends ColumnType {
  column: string;
  notNull: boolean;
}

/** Signature, flags and header extension that begin a binary COPY (manual: COPY, "File Header"). */
export const copyHeader = Uint8Array.from([
  ...Buffer.from('PGCOPY\n\u00ff\r\n\0', 'latin1'),
  ...[0, 0, 0, 0, 0, 0, 0, 0],
]);
/** A field count of -1 ends the data. */
export const copyTrailer = Uint8Array.from([0xff, 0xff]);

/** Encodes rows into a buffer. */
export class RowEncoder {
  readonly #table: BoundTable;
  readonly #columns: readonly TableColumn[];
  readonly #encoders: readonly CellEncoder[];

  /**
   * @param columns of the real table, in the order in which the COPY names them
   * @throws TypeMismatch when a generator can never fill its column
   */
  constructor(table: BoundTable, columns: readonly TableColumn[]) {
    this.#table = table;
    this.#columns = columns;
    this.#encoders = columns.map((column) => strict(cellEncoder(table.cells(column.column), column), column));
  }

  /**
   * Appends rows from `first` on until `end` is reached or the buffer holds `limit` bytes.
   * @returns the row after the last one written
   * @throws UsageError that names table, column and row when a generator throws or its value does not fit
   */
  encode(first: number, end: number, limit: number, bytes: ByteWriter): number {
    const encoders = this.#encoders;
    const count = encoders.length;
    let row = first;
    try {
      for (; row < end && bytes.length < limit; row++) {
        bytes.int16(count);
        for (let index = 0; index < count; index++) encoders[index]!(row, bytes);
      }
    } catch (error) {
      throw this.#located(error, row, bytes);
    }
    return row;
  }

  /** Finds the column that failed by encoding the row again, cell by cell. */
  #located(error: unknown, row: number, bytes: ByteWriter): UsageError {
    for (const [index, encode] of this.#encoders.entries()) {
      try {
        encode(row, bytes);
      } catch (cause) {
        return cellFault(this.#table.name, this.#columns[index]!.column, row, cause);
      }
    }
    return cellFault(this.#table.name, '?', row, error);
  }
}

function cellFault(table: string, column: string, row: number, cause: unknown): UsageError {
  return new UsageError(`Seed column ${table}.${column}, row ${row}: ${messageOf(cause)}.`, {
    hint: `Correct the generator of ${table}.${column} in the seed definition.`,
    cause,
  });
}

/** Refuses nulls where the column does. */
function strict(encode: CellEncoder, column: TableColumn): CellEncoder {
  if (!column.notNull) return encode;
  return (row, bytes) => {
    const start = bytes.length;
    encode(row, bytes);
    if (bytes.length === start + 4 && bytes.view.getInt32(start) === -1) {
      throw new RangeError('the value is null, and the column is NOT NULL');
    }
  };
}
