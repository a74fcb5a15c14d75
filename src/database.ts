/** Databases that pgrehearse makes: created, marked, recognised, measured. */
import { join } from 'node:path';
import { Client } from 'pg';
import type { RelationSize } from './result.ts';
import { defaultCacheDir, ensureCacheFolder } from './server/cache.ts';
import { startEmbedded } from './server/embedded.ts';
import { createRunFolder } from './server/leftovers.ts';
import { assertMarked } from './server/mark.ts';
import type { ConnectionTarget, Server } from './server/server.ts';

/** Name of the database in servers that are ours alone. */
export const databaseName = 'pgrehearse';

/** Runs `use` with a connection and closes it afterwards, whatever happens. */
export async function withClient<T>(target: ConnectionTarget, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ ...target, application_name: 'pgrehearse' });
  // A connection that breaks while idle must not end the process; the next query tells.
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/**
 * Until disposed of: ends what the client waits for when the signal is aborted. On the server, through a second connection, because
 * a server goes on with the query of a client that is gone; without one, closing the client must do.
 */
export function cancelOnAbort(
  target: ConnectionTarget,
  client: Client,
  signal: AbortSignal | undefined,
): AsyncDisposable {
  let cancelling: Promise<void> | undefined;
  const cancel = (): void => {
    cancelling = cancelQuery(target, client);
  };
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel);
  return {
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', cancel);
      await cancelling;
    },
  };
}

async function cancelQuery(target: ConnectionTarget, client: Client): Promise<void> {
  const { processID } = client as unknown as { processID: number };
  try {
    await withClient(target, (other) => other.query('SELECT pg_cancel_backend($1)', [processID]));
  } catch {
    await client.end().catch(() => {});
  }
}

/** Creates a database, marks it as ours, and makes pg_stat_statements readable in a schema of its own. */
export async function createDatabase(server: Server, name: string): Promise<void> {
  await server.makeDatabase(name);
  await withClient(server.connection(name), async (client) => {
    await client.query('CREATE SCHEMA pgrehearse');
    const made = client.query('CREATE EXTENSION pg_stat_statements SCHEMA pgrehearse');
    // A server that is not ours may lack it or not let us: a gap that was told before.
    await (server.kind === 'external' ? made.catch(() => undefined) : made);
  });
}

/**
 * @throws UsageError when the database does not carry our mark: somebody else's, never to be written to
 */
export async function assertOurs(target: ConnectionTarget): Promise<void> {
  await withClient(target, (client) => assertMarked(client, target.database));
}

/** Sizes of the user's tables, largest first; rows are counted, not estimated. */
export async function relationSizes(target: ConnectionTarget): Promise<RelationSize[]> {
  return withClient(target, async (client) => {
    const { rows: tables } = await client.query<{
      name: string;
      sql_name: string;
      heap: string;
      index: string;
      total: string;
    }>(`
      SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS name,
             c.oid::regclass::text AS sql_name,
             pg_relation_size(c.oid) AS heap, pg_indexes_size(c.oid) AS index, pg_total_relation_size(c.oid) AS total
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pgrehearse')
         AND n.nspname NOT LIKE 'pg_toast%'
       ORDER BY pg_total_relation_size(c.oid) DESC, 1`);
    const sizes: RelationSize[] = [];
    for (const { name, sql_name, heap, index, total } of tables) {
      const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${sql_name}`);
      sizes.push({
        table: name,
        rows: Number(rows[0]?.count),
        heapBytes: Number(heap),
        indexBytes: Number(index),
        totalBytes: Number(total),
      });
    }
    return sizes;
  });
}

/**
 * Brings a database to rest before it is measured or kept: statistics are fresh, the visibility map is set, and no dirty
 * page is left for a checkpoint to write in the middle of a block.
 */
export async function settle(target: ConnectionTarget, signal?: AbortSignal): Promise<void> {
  await withClient(target, async (client) => {
    await client.query('VACUUM (ANALYZE)');
    signal?.throwIfAborted();
    await checkpoint(client);
  });
}

/**
 * Lets `work` have an extension of PostgreSQL's own in the schema `pgrehearse`, in a transaction that is rolled back: the database stays as its
 * migrations made it.
 *
 * @returns undefined where the extension is missing or kept from us
 * @throws what `pg` throws when the connection breaks, and what `work` throws
 */
export async function withExtension<T>(
  client: Client,
  name: 'pg_prewarm' | 'pgstattuple',
  work: () => Promise<T>,
): Promise<T | undefined> {
  await client.query('BEGIN');
  try {
    const there = await client.query(`CREATE EXTENSION ${name} SCHEMA pgrehearse`).catch(() => undefined);
    return there === undefined ? undefined : await work();
  } finally {
    await client.query('ROLLBACK');
  }
}

/** Writes out all dirty pages, where the role may ask for that: on servers of our own it may. */
export async function checkpoint(client: Client): Promise<void> {
  const { rows } = await client.query<{ allowed: boolean }>(`SELECT pg_has_role('pg_checkpoint', 'USAGE') AS allowed`);
  if (rows[0]!.allowed) await client.query('CHECKPOINT');
}

/** Size of the whole database in bytes. */
export async function databaseBytes(target: ConnectionTarget): Promise<number> {
  return withClient(target, async (client) => {
    const { rows } = await client.query<{ bytes: string }>('SELECT pg_database_size(current_database()) AS bytes');
    return Number(rows[0]?.bytes);
  });
}

/** Starts an empty server in a folder of its own, lets `use` work in a database of ours, and removes everything. */
export async function withScratchDatabase<T>(
  cacheDir: string | undefined,
  signal: AbortSignal,
  use: (connection: ConnectionTarget) => Promise<T>,
): Promise<T> {
  const cache = await ensureCacheFolder(cacheDir ?? (await defaultCacheDir()));
  await using folder = await createRunFolder(cache);
  await using server = await startEmbedded({
    dataDir: join(folder.path, 'data'),
    settings: { fsync: false },
    cacheDir: cache,
    scratch: true,
    signal,
  });
  await createDatabase(server, databaseName);
  return await use(server.connection(databaseName));
}
