/** One table through one COPY stream. */
import { Client } from 'pg';
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams';
import { UsageError } from '../errors.ts';
import type { ConnectionTarget } from '../server/server.ts';
import type { BoundTable } from './bind.ts';
import { ByteWriter } from './byte-writer.ts';
import { copyFault, copyStatement } from './copy-statement.ts';
import type { TargetTable } from './inspect.ts';
import { RowEncoder, copyHeader, copyTrailer } from './row-encoder.ts';

/** Rows and bytes sent so far. */
export interface CopyCount {
  rows: number;
  bytes: number;
}

/**
 * Bytes of one write: a little more than a Unix socket takes at once (208 KiB by default), so that the server still has rows to
 * read while the next ones are computed. From 32 to 512 KiB the rate hardly changes.
 */
const chunkBytes = 256 * 1024;
/** Chunks under way at once; each has a buffer of its own that is used again when the socket has taken it. */
const chunksInFlight = 2;

/**
 * Empties the table and fills it, in one transaction, so that the server can skip the WAL (wal_level = minimal) and mark the
 * rows as frozen and visible to all. Constraints that stand are checked; triggers do not fire.
 *
 * @param onChunk is told the count after each chunk, and its bytes, which are valid during the call only
 * @throws UsageError that names table, column and row when a generator fails or the server refuses a value
 */
export async function copyTable(
  connection: ConnectionTarget,
  target: TargetTable,
  table: BoundTable,
  onChunk: (count: CopyCount, chunk: Uint8Array) => void,
): Promise<CopyCount> {
  const client = new Client({ ...connection, application_name: 'pgrehearse seed' });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(`SET session_replication_role = replica; BEGIN; TRUNCATE ${target.sqlName}`);
    const stream = client.query(copyFrom(copyStatement(target.sqlName, target.columns, ', FREEZE')));
    const count = await send(stream, table, target, onChunk);
    await client.query('COMMIT');
    return count;
  } catch (error) {
    throw error instanceof UsageError ? error : copyFault(target.name, error);
  } finally {
    await client.end();
  }
}

async function send(
  stream: CopyStreamQuery,
  table: BoundTable,
  target: TargetTable,
  onChunk: (count: CopyCount, chunk: Uint8Array) => void,
): Promise<CopyCount> {
  const encoder = new RowEncoder(table, target.columns);
  const buffers = Array.from({ length: chunksInFlight }, () => new ByteWriter(chunkBytes + 65_536));
  const written: Promise<void>[] = buffers.map(() => Promise.resolve());
  let refusal: Error | undefined;
  const refused = new Promise<never>((_, reject) => {
    stream.on('error', (error: Error) => {
      refusal = error;
      reject(error);
    });
  });
  refused.catch(() => {});
  const count: CopyCount = { rows: 0, bytes: 0 };
  try {
    for (let chunk = 0; ; chunk++) {
      const slot = chunk % chunksInFlight;
      await Promise.race([written[slot]!, refused]);
      const bytes = buffers[slot]!;
      bytes.clear();
      if (chunk === 0) bytes.append(copyHeader);
      count.rows = encoder.encode(count.rows, table.rows, chunkBytes, bytes);
      const isLast = count.rows >= table.rows;
      if (isLast) bytes.append(copyTrailer);
      count.bytes += bytes.length;
      const data = bytes.bytes.subarray(0, bytes.length);
      written[slot] = write(stream, data);
      onChunk(count, data);
      if (isLast) break;
    }
    await Promise.race([finish(stream), refused]);
    return count;
  } catch (error) {
    // Our own failure is told to the server; one that the server told us has ended the COPY already.
    if (refusal === undefined) stream.destroy(error as Error);
    throw error;
  }
}

function write(stream: CopyStreamQuery, data: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    // A failed write is told by the stream's error event.
    stream.write(data, () => resolve());
  });
}

function finish(stream: CopyStreamQuery): Promise<void> {
  return new Promise((resolve) => {
    stream.end(() => resolve());
  });
}
