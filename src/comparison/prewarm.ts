/** Fills the cache of a server, so that none of the clones that are compared begins colder than another. */
import type { Client } from 'pg';
import { withExtension } from '../database.ts';

/** The small relations first, which is where the indexes are; the load brings in what it reads of those that do not fit. */
const fill = `
  SELECT sum(pgrehearse.pg_prewarm(own.oid::regclass)) FROM (
    SELECT c.oid, sum(pg_relation_size(c.oid)) OVER (ORDER BY pg_relation_size(c.oid), c.oid) AS together
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm', 'i', 't') AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  ) AS own
  WHERE own.together <= 0.8 * pg_size_bytes(current_setting('shared_buffers'))`;

/** Where the extension is missing or kept from us, the load alone warms the cache. @throws what `pg` throws when the connection breaks */
export async function prewarm(client: Client): Promise<void> {
  await withExtension(client, 'pg_prewarm', () => client.query(fill));
}
