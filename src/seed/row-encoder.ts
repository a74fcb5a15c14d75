/** Rows of a table as binary COPY data, in chunks of rows that any worker can produce. */
import { UsageError, messageOf } from '../errors.ts';
import type { BoundTable } from './bind.ts';
import { Batch, batchRows } from './batch.ts';
import { ByteWriter } from './byte-writer.ts';
import { fieldByField } from './loops.ts';
import { fieldEncoder } from './encode-cell.ts';
import type { FieldEncoder } from './encode-cell.ts';
import type { ColumnType } from './encode-value.ts';

/** A column of the real table. */
export interface TableColumn extends ColumnType {
  column: string;
  notNull: boolean;
}

/** Signature, flags and header extension that begin a binary COPY (manual: COPY, "File Header"). */
export const copyHeader = Uint8Array.from(Buffer.from('PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0', 'latin1'));
/** A field count of -1 ends the data. */
export const copyTrailer = Uint8Array.from([0xff, 0xff]);

/** Encodes rows into a buffer. */
export class RowEncoder {
  readonly #table: BoundTable;
  readonly #columns: readonly TableColumn[];
  readonly #encoders: readonly FieldEncoder[];
  readonly #batch = new Batch(batchRows);
  readonly #writeRows: (count: number, bytes: ByteWriter) => void;

  /**
   * @param columns of the real table, in the order in which the COPY names them
   * @throws TypeMismatch when a generator can never fill its column
   */
  constructor(table: BoundTable, columns: readonly TableColumn[]) {
    this.#table = table;
    this.#columns = columns;
    this.#encoders = columns.map((column) => fieldEncoder(table.cells(column.column), column, column.notNull));
    const fields = columns.length;
    this.#writeRows = fieldByField(this.#encoders, (bytes: ByteWriter) => bytes.int16(fields));
  }

  /**
   * Appends rows from `first` on, a batch after the other, until `end` is reached or the buffer holds `limit` bytes.
   * @returns the row after the last one written
   * @throws UsageError that names table, column and row when a generator throws or its value does not fit
   */
  encode(first: number, end: number, limit: number, bytes: ByteWriter): number {
    let row = first;
    while (row < end && bytes.length < limit) {
      const count = Math.min(batchRows, end - row);
      try {
        this.#encodeBatch(row, count, bytes);
      } catch (error) {
        throw this.#located(error, row, count);
      }
      row += count;
    }
    return row;
  }

  #encodeBatch(first: number, count: number, bytes: ByteWriter): void {
    const batch = this.#batch.consecutive(first, count);
    for (const encoder of this.#encoders) encoder.load(batch);
    this.#writeRows(count, bytes);
  }

  /** Finds the cell that failed by computing the batch again, cell by cell. */
  #located(error: unknown, first: number, count: number): UsageError {
    const one = new Batch(1);
    const scratch = new ByteWriter(1024);
    for (let row = first; row < first + count; row++) {
      for (const [field, encoder] of this.#encoders.entries()) {
        scratch.clear();
        try {
          encoder.load(one.consecutive(row, 1));
          encoder.write(0, scratch);
        } catch (cause) {
          return cellFault(`column ${this.#table.name}.${this.#columns[field]!.column}, row ${row}`, cause);
        }
      }
    }
    return cellFault(`rows ${first} to ${first + count - 1} of table ${this.#table.name}`, error);
  }
}

function cellFault(place: string, cause: unknown): UsageError {
  return new UsageError(`Seed ${place}: ${messageOf(cause)}.`, {
    hint: 'Correct the generator of that column in the seed definition.',
    cause,
  });
}
