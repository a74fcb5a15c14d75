/**
 * Indexes and constraints of the tables that are loaded: taken away before the rows and put back after them, with the same
 * names and definitions.
 */
import type { Client } from 'pg';
import { quoteIdentifier } from '../sql.ts';

/** An index, with the statement that makes it. */
export interface IndexRecord {
  table: string;
  name: string;
  sqlName: string;
  definition: string;
  comment: string | null;
  keyWeight: number;
}

/** A constraint, with the definition that ALTER TABLE ... ADD CONSTRAINT takes. */
export interface ConstraintRecord {
  /** Quoted and qualified. */
  table: string;
  name: string;
  kind: 'primary key' | 'unique' | 'foreign key' | 'exclusion';
  definition: string;
  /** DEFERRABLE and INITIALLY DEFERRED, as they follow USING INDEX. */
  deferral: string;
  validated: boolean;
  comment: string | null;
  /** Statement that makes the index behind a primary key or unique constraint. */
  indexDefinition: string | null;
  keyWeight: number;
}

export interface SchemaObjects {
  indexes: IndexRecord[];
  constraints: ConstraintRecord[];
}

/** Reads the indexes and constraints that stand on the tables, and the foreign keys of other tables that point to them. */
export async function readSchemaObjects(client: Client, tableOids: readonly number[]): Promise<SchemaObjects> {
  const { rows: constraints } = await client.query<ConstraintRecord>(
    `SELECT c.conrelid::regclass::text AS "table", c.conname AS name,
            CASE c.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key' ELSE 'exclusion' END AS kind,
            pg_get_constraintdef(c.oid) AS definition,
            CASE WHEN c.condeferrable THEN ' DEFERRABLE' ELSE '' END || CASE WHEN c.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END
              AS deferral,
            c.convalidated AS validated, obj_description(c.oid, 'pg_constraint') AS comment,
            CASE WHEN c.contype IN ('p', 'u') THEN pg_get_indexdef(c.conindid) END AS "indexDefinition",
            ${keyWeight('c.conindid')}
       FROM pg_constraint c
      WHERE c.contype IN ('p', 'u', 'x', 'f') AND c.conparentid = 0
        AND (c.conrelid = ANY ($1::oid[]) OR (c.contype = 'f' AND c.confrelid = ANY ($1::oid[])))
      ORDER BY c.conrelid, c.conname`,
    [tableOids],
  );
  const { rows: indexes } = await client.query<IndexRecord>(
    `SELECT i.indrelid::regclass::text AS "table", x.relname AS name, x.oid::regclass::text AS "sqlName",
            pg_get_indexdef(x.oid) AS definition, obj_description(x.oid, 'pg_class') AS comment,
            ${keyWeight('x.oid')}
       FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
      WHERE i.indrelid = ANY ($1::oid[]) AND i.indisvalid
        AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.oid AND c.contype IN ('p', 'u', 'x'))
      ORDER BY i.indrelid, x.relname`,
    [tableOids],
  );
  return { indexes, constraints };
}

/** What an index costs for each row, roughly: text takes about twice as long to sort as fixed-width values. */
function keyWeight(oid: string): string {
  return `(SELECT 1 + count(*) FILTER (WHERE a.attlen = -1) FROM pg_attribute a WHERE a.attrelid = ${oid})::int4 AS "keyWeight"`;
}

/** Statements that drop what was read: foreign keys first, because they lean on the keys that they point to. */
export function dropStatements({ indexes, constraints }: SchemaObjects): string[] {
  const foreignFirst = constraints.toSorted(
    (a, b) => Number(b.kind === 'foreign key') - Number(a.kind === 'foreign key'),
  );
  return [
    ...foreignFirst.map(({ table, name }) => `ALTER TABLE ${table} DROP CONSTRAINT ${quoteIdentifier(name)}`),
    ...indexes.map(({ sqlName }) => `DROP INDEX ${sqlName}`),
  ];
}

/** One index to build. */
export interface IndexBuild {
  table: string;
  name: string;
  statement: string;
  keyWeight: number;
}

/** Everything that is built by CREATE INDEX, indexes of keys included: independent of each other. */
export function indexBuilds({ indexes, constraints }: SchemaObjects): IndexBuild[] {
  return [
    ...constraints.flatMap(({ table, name, indexDefinition, keyWeight }) =>
      indexDefinition === null ? [] : [{ table, name, statement: indexDefinition, keyWeight }],
    ),
    ...indexes.map(({ table, name, definition, keyWeight }) => ({ table, name, statement: definition, keyWeight })),
  ];
}

/** Statements that turn the indexes into keys and restore exclusion constraints and comments; quick. */
export function keyStatements({ indexes, constraints }: SchemaObjects): string[] {
  return [
    ...constraints.flatMap(({ table, name, kind, definition, deferral, indexDefinition }) => {
      const add = `ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(name)}`;
      if (indexDefinition !== null) {
        return [`${add} ${kind.toUpperCase()} USING INDEX ${quoteIdentifier(name)}${deferral}`];
      }
      return kind === 'exclusion' ? [`${add} ${definition}`] : [];
    }),
    ...indexes.flatMap(({ sqlName, comment }) =>
      comment === null ? [] : [`COMMENT ON INDEX ${sqlName} IS ${quoteLiteral(comment)}`],
    ),
  ];
}

/** A foreign key to restore, with what its validation needs to know. */
export interface ForeignKeyBuild {
  table: string;
  name: string;
  add: string;
  /** Undefined where the constraint was not valid before. */
  validate: string | undefined;
}

export function foreignKeyBuilds({ constraints }: SchemaObjects): ForeignKeyBuild[] {
  return constraints
    .filter(({ kind }) => kind === 'foreign key')
    .map(({ table, name, definition, validated }) => {
      const notValid = definition.endsWith(' NOT VALID') ? definition : `${definition} NOT VALID`;
      return {
        table,
        name,
        add: `ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(name)} ${notValid}`,
        validate: validated ? `ALTER TABLE ${table} VALIDATE CONSTRAINT ${quoteIdentifier(name)}` : undefined,
      };
    });
}

/** Comments on constraints; after all constraints stand. */
export function commentStatements({ constraints }: SchemaObjects): string[] {
  return constraints.flatMap(({ table, name, comment }) =>
    comment === null ? [] : [`COMMENT ON CONSTRAINT ${quoteIdentifier(name)} ON ${table} IS ${quoteLiteral(comment)}`],
  );
}

/** A string constant of SQL. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
