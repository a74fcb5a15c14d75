/** Space that holds nothing: what pgstattuple_approx and pgstatindex tell of tables and B-trees. */
import type { Client } from 'pg';
import { withExtension } from '../database.ts';

/** By object identifiers, as text. */
export interface Bloat {
  tables: Map<string, { freeShare: number; deadShare: number }>;
  /** How full the leaf pages are, from 0 to 1. */
  leafDensities: Map<string, number>;
}

/** Smaller ones are a matter of a few pages. */
const leastBytes = 2 ** 20;
/** pgstatindex reads the whole index. */
const mostIndexBytes = 2 ** 28;
/** For all relations, the small ones first. */
const budgetMs = 10_000;

const relations = `
  SELECT c.oid::text AS key, c.relkind AS kind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am a ON a.oid = c.relam
   WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pgrehearse', 'pg_toast') AND c.relpersistence = 'p'
     AND (c.relkind IN ('r', 'm') AND a.amname = 'heap' OR c.relkind = 'i' AND a.amname = 'btree' AND pg_relation_size(c.oid) <= $2)
     AND pg_relation_size(c.oid) >= $1
   ORDER BY pg_relation_size(c.oid)`;

const tableBloat = `
  SELECT approx_free_percent / 100 AS "freeShare", dead_tuple_percent / 100 AS "deadShare"
    FROM pgrehearse.pgstattuple_approx($1::oid)`;

const leafDensity = 'SELECT avg_leaf_density / 100 AS density FROM pgrehearse.pgstatindex($1::oid::regclass)';

/** Undefined where the extension is missing or kept from us. @throws what `pg` throws when the connection breaks */
export function readBloat(client: Client): Promise<Bloat | undefined> {
  return withExtension(client, 'pgstattuple', () => lookAtAll(client));
}

async function lookAtAll(client: Client): Promise<Bloat> {
  const untilMs = performance.now() + budgetMs;
  const bloat: Bloat = { tables: new Map(), leafDensities: new Map() };
  const { rows } = await client.query<{ key: string; kind: string }>(relations, [leastBytes, mostIndexBytes]);
  for (const { key, kind } of rows) {
    if (performance.now() > untilMs) break;
    if (kind === 'i') {
      const [own] = (await client.query<{ density: number }>(leafDensity, [key])).rows;
      // Not a number where the index has no leaf.
      if (Number.isFinite(own!.density)) bloat.leafDensities.set(key, own!.density);
    } else {
      const [own] = (await client.query<{ freeShare: number; deadShare: number }>(tableBloat, [key])).rows;
      bloat.tables.set(key, own!);
    }
  }
  return bloat;
}
