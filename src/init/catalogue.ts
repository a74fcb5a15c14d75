/** What PostgreSQL's catalogue says about the tables of a migrated, empty database. */
import type { Client } from 'pg';

/** A column as the seed has to fill it. */
export interface CatalogueColumn {
  name: string;
  /** As PostgreSQL prints it: `character varying(20)`. */
  type: string;
  /** The type's own name, of a domain that of its base type: `int4`; of an array that of its items. */
  base: string;
  isArray: boolean;
  /** Of `varchar(n)` and `char(n)`. */
  maxLength: number | null;
  /** Of `numeric(p, s)`: digits in all, and behind the point. */
  precision: number | null;
  scale: number | null;
  /** Labels of an enum, in their order. */
  labels: string[] | null;
  notNull: boolean;
  hasDefault: boolean;
  /** Computed by the database: never filled. */
  isGenerated: boolean;
}

export interface ForeignKey {
  columns: string[];
  /** Table and columns that it refers to. */
  table: string;
  references: string[];
}

/** A CHECK of some columns, as PostgreSQL prints it. */
export interface CheckConstraint {
  columns: string[];
  definition: string;
}

export interface CatalogueTable {
  /** As a seed names it: qualified unless it is in `public`. */
  name: string;
  /** As statements name it: quoted where needed. */
  sqlName: string;
  isPartitioned: boolean;
  /** Columns in their order; `sqlName` is quoted where needed. */
  columns: (CatalogueColumn & { sqlName: string })[];
  primaryKey: string[];
  /** Columns of each unique index, the primary key's among them; an index of expressions counts by the columns in them. */
  unique: string[][];
  foreignKeys: ForeignKey[];
  checks: CheckConstraint[];
  /** The first column of each index. */
  indexed: string[];
}

/** All tables of the user's, in the order of their names; those of extensions aside. */
export async function readCatalogue(client: Client): Promise<CatalogueTable[]> {
  const { rows } = await client.query<CatalogueTable>(catalogueQuery);
  return rows;
}

/** Names of the columns with these numbers, in the order of the numbers. */
const namesOf = (numbers: string, relation: string): string => `
  (SELECT coalesce(json_agg(a.attname ORDER BY numbered.place), '[]') FROM unnest(${numbers}) WITH ORDINALITY AS numbered (attnum, place)
     JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = numbered.attnum)`;

const seedName = (namespace: string, relation: string): string =>
  `CASE WHEN ${namespace}.nspname = 'public' THEN ${relation}.relname ELSE ${namespace}.nspname || '.' || ${relation}.relname END`;

const columnsQuery = `
  SELECT json_agg(json_build_object(
           'name', a.attname, 'sqlName', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod),
           'base', coalesce(item.typname, base.typname), 'isArray', item.oid IS NOT NULL,
           'maxLength', CASE WHEN coalesce(item.typname, base.typname) IN ('varchar', 'bpchar') AND m.modifier > 4 THEN m.modifier - 4 END,
           'precision', CASE WHEN base.typname = 'numeric' AND m.modifier > 4 THEN (m.modifier - 4) >> 16 END,
           'scale', CASE WHEN base.typname = 'numeric' AND m.modifier > 4 THEN (m.modifier - 4) & 2047 END,
           'labels', (SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = coalesce(item.oid, base.oid)),
           'notNull', a.attnotnull OR t.typnotnull, 'hasDefault', a.atthasdef OR a.attidentity <> '',
           'isGenerated', a.attgenerated <> '') ORDER BY a.attnum)
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_type base ON base.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
    LEFT JOIN pg_type item ON item.oid = base.typelem AND base.typcategory = 'A'
   CROSS JOIN LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS modifier) m
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`;

/** An expression's columns stand in pg_depend; those of a constraint's index only in its key. */
const uniqueQuery = `
  SELECT json_agg(names.list) FROM pg_index i
   CROSS JOIN LATERAL (
     SELECT json_agg(DISTINCT a.attname) AS list FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0
        AND (a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
             OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                           AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum))) names
   WHERE i.indrelid = c.oid AND i.indisunique`;

const catalogueQuery = `
  SELECT ${seedName('n', 'c')} AS name, c.relkind = 'p' AS "isPartitioned",
         CASE WHEN n.nspname = 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END || quote_ident(c.relname) AS "sqlName",
         coalesce((${columnsQuery}), '[]') AS columns,
         coalesce((SELECT ${namesOf('k.conkey', 'c.oid')} FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p'), '[]')
           AS "primaryKey",
         coalesce((${uniqueQuery}), '[]') AS unique,
         coalesce((SELECT json_agg(json_build_object('columns', ${namesOf('k.conkey', 'c.oid')},
                                                     'references', ${namesOf('k.confkey', 'k.confrelid')},
                                                     'table', ${seedName('fn', 'f')}) ORDER BY k.conname)
                     FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
                    WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0), '[]') AS "foreignKeys",
         coalesce((SELECT json_agg(json_build_object('columns', ${namesOf('k.conkey', 'c.oid')},
                                                     'definition', pg_get_constraintdef(k.oid)) ORDER BY k.conname)
                     FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'), '[]') AS checks,
         coalesce((SELECT json_agg(DISTINCT a.attname) FROM pg_index i
                     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                    WHERE i.indrelid = c.oid), '[]') AS indexed
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pgrehearse') AND n.nspname NOT LIKE 'pg\\_%'
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
   ORDER BY n.nspname, c.relname`;
