/** One table through one COPY stream. */
import { getDefaultHighWaterMark } from 'node:stream';
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
 * Bytes of one write, at least. While the socket takes one chunk the next is computed, which must not take longer than the server
 * needs for what the socket holds (208 KiB by default). Not less than a socket buffers by itself, because a smaller chunk is
 * reported as written while the socket still reads from it.
 */
const chunkBytes = Math.max(128 * 1024, getDefaultHighWaterMark(false));

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
    await switchTriggersOff(client, target);
    await client.query(`BEGIN; TRUNCATE ${target.sqlName}`);
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

/** On a server that is not ours, the role may lack the privilege, which only matters where there are triggers. */
async function switchTriggersOff(client: Client, { name, sqlName }: TargetTable): Promise<void> {
  const { rows } = await client.query<{ allowed: boolean; triggers: boolean }>(
    `SELECT has_parameter_privilege('session_replication_role', 'SET') AS allowed,
            EXISTS (SELECT FROM pg_trigger
                     WHERE tgrelid = $1::regclass AND NOT tgisinternal AND tgenabled <> 'D') AS triggers`,
    [sqlName],
  );
  const { allowed, triggers } = rows[0]!;
  if (allowed) await client.query('SET session_replication_role = replica');
  else if (triggers) {
    throw new UsageError(`The table ${name} has triggers, which this role may not switch off while seeding.`, {
      hint: 'As a superuser: GRANT SET ON PARAMETER session_replication_role TO the role.',
    });
  }
}

async function send(
  stream: CopyStreamQuery,
  table: BoundTable,
  target: TargetTable,
  onChunk: (count: CopyCount, chunk: Uint8Array) => void,
): Promise<CopyCount> {
  let refusal: Error | undefined;
  const refused = new Promise<never>((_, reject) => {
    stream.on('error', (error: Error) => {
      refusal = error;
      reject(error);
    });
  });
  refused.catch(() => {});
  try {
    const count = await sendChunks(stream, table, target, refused, onChunk);
    await Promise.race([finish(stream), refused]);
    return count;
  } catch (error) {
    // Our own failure is told to the server; one that the server told us has ended the COPY already.
    if (refusal === undefined) stream.destroy(error as Error);
    throw error;
  }
}

/** One chunk is under way while the other is filled; no more, because a refused stream must have nothing left to write. */
async function sendChunks(
  stream: CopyStreamQuery,
  table: BoundTable,
  target: TargetTable,
  refused: Promise<never>,
  onChunk: (count: CopyCount, chunk: Uint8Array) => void,
): Promise<CopyCount> {
  const encoder = new RowEncoder(table, target.columns);
  const buffers = [new ByteWriter(2 * chunkBytes), new ByteWriter(2 * chunkBytes)];
  const count: CopyCount = { rows: 0, bytes: 0 };
  let written = Promise.resolve();
  for (let chunk = 0; chunk === 0 || count.rows < table.rows; chunk++) {
    const bytes = buffers[chunk % 2]!;
    bytes.clear();
    if (chunk === 0) bytes.append(copyHeader);
    count.rows = encoder.encode(count.rows, table.rows, chunkBytes, bytes);
    if (count.rows === table.rows) bytes.append(copyTrailer);
    const data = bytes.bytes.subarray(0, bytes.length);
    await Promise.race([written, refused]);
    written = write(stream, data);
    count.bytes += data.length;
    onChunk(count, data);
  }
  await Promise.race([written, refused]);
  return count;
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
