/** Brings a server that was just started on a copied data folder into the state of one that has been at work for long. */
import type { Client } from 'pg';
import { checkpoint, withClient, withExtension } from './database.ts';
import type { ConnectionTarget, Server } from './server/server.ts';

/** What was done. */
export interface Warmth {
  /** Read into the shared buffers; 0 where pg_prewarm is missing. */
  bufferBytes: number;
  /** WAL files made, which the load will write over. */
  walFiles: number;
}

/**
 * Fills the shared buffers, makes the WAL files that the load will use, and writes everything out: the first seconds of a load would have
 * to do all this otherwise, and of two stages the one that is used less would seem the slower.
 *
 * @throws what `pg` throws when the connection breaks
 */
export async function warmServer(
  { kind }: Pick<Server, 'kind'>,
  connection: ConnectionTarget,
  signal?: AbortSignal,
): Promise<Warmth> {
  return withClient(connection, async (client) => {
    const bufferBytes = await prewarm(client);
    signal?.throwIfAborted();
    // Where others are at work too there is WAL to write over, and ours is for somebody to archive.
    const walFiles = kind === 'external' ? 0 : await makeWalFiles(client, signal);
    await checkpoint(client);
    return { bufferBytes, walFiles };
  });
}

/** The small relations first, which is where the indexes are; the load brings in what it reads of those that do not fit. */
const fill = `
  SELECT coalesce(sum(pgrehearse.pg_prewarm(own.oid::regclass)), 0) * current_setting('block_size')::int AS bytes FROM (
    SELECT c.oid, sum(pg_relation_size(c.oid)) OVER (ORDER BY pg_relation_size(c.oid), c.oid) AS together
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm', 'i', 't') AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  ) AS own
  WHERE own.together <= 0.8 * pg_size_bytes(current_setting('shared_buffers'))`;

/** Where the extension is missing or kept from us, the load alone warms the cache. @returns bytes */
async function prewarm(client: Client): Promise<number> {
  const filled = await withExtension(client, 'pg_prewarm', () => client.query<{ bytes: string }>(fill));
  return Number(filled?.rows[0]?.bytes ?? 0);
}

/**
 * A server keeps `min_wal_size` of files to write over; a copied data folder comes with one or two. To make a file is to write 16 MB of zeros and to
 * sync them while every commit waits: a load of 1,000/s makes one every two or three seconds. The next checkpoint hands on the files that are
 * switched through here. A small database does not write so many: after a checkpoint most WAL are images of its pages.
 */
const missingWalFiles = `
  SELECT greatest(0, least(pg_size_bytes(current_setting('min_wal_size')), pg_database_size(current_database()))
                     / pg_size_bytes(current_setting('wal_segment_size')) - (SELECT count(*) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$')
                 )::int AS files
   WHERE current_setting('wal_recycle')::boolean`;

async function makeWalFiles(client: Client, signal: AbortSignal | undefined): Promise<number> {
  const { rows } = await client.query<{ files: number }>(missingWalFiles);
  const files = rows[0]?.files ?? 0;
  for (let made = 0; made < files; made++) {
    signal?.throwIfAborted();
    // An empty segment is not switched.
    await client.query(`SELECT pg_logical_emit_message(false, 'pgrehearse', ''), pg_switch_wal()`);
  }
  return files;
}
