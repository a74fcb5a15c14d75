/** Compares a seed with the tables that it is to fill, before anything long starts. */
import { finished } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { UsageError, messageOf } from '../errors.ts';
import { quoteIdentifier } from '../sql.ts';
import type { BoundSeed, BoundTable } from './bind.ts';
import { ByteWriter } from './byte-writer.ts';
import { copyFault, copyStatement } from './copy-statement.ts';
import { RowEncoder, copyHeader, copyTrailer } from './row-encoder.ts';
import type { TableColumn } from './row-encoder.ts';

/** A table of the database that the seed fills. */
export interface TargetTable {
  name: string;
  /** Quoted and qualified, for statements. */
  sqlName: string;
  oid: number;
  /** Rows that the seed gives it. */
  rows: number;
  /** Columns that the seed fills, in its order. */
  columns: TableColumn[];
  /** Sequences of filled columns, which must go on after the seeded values. */
  sequences: { column: string; sequence: string }[];
}

interface CatalogColumn extends TableColumn {
  /** Sequence that belongs to the column (serial or identity), quoted and qualified. */
  sequence: string | null;
  hasDefault: boolean;
  isGenerated: boolean;
}

/** Rows of every table that are encoded before the long work begins. */
const dryRows = 200;

/**
 * Reads the tables' columns and tries the first rows of each.
 * @throws UsageError that tells all faults: unknown tables and columns, columns that must be filled and are not, generators
 *   that do not fit their column's type, values that do not fit
 */
export async function inspectTables(client: Client, seed: BoundSeed): Promise<TargetTable[]> {
  const faults: string[] = [];
  const targets: TargetTable[] = [];
  for (const table of seed.values()) {
    const found = await findTable(client, table.name);
    if (found === undefined || found.isPartitioned) {
      faults.push(
        `table ${table.name} ${found ? 'is partitioned, and only plain tables are seeded' : 'does not exist'}`,
      );
      continue;
    }
    const existing = await readColumns(client, found.oid);
    faults.push(...columnFaults(table, existing));
    const columns = table.columnNames.flatMap((name) => existing.filter(({ column }) => column === name));
    const sequences = columns.flatMap(({ column, sequence }) => (sequence === null ? [] : [{ column, sequence }]));
    const { sqlName, oid } = found;
    const target = { name: table.name, sqlName, oid, rows: table.rows, columns, sequences };
    const cellFaults = columns.flatMap((column) => encodingFaults(table, column));
    faults.push(...cellFaults, ...(cellFaults.length === 0 ? await serverFaults(client, table, target) : []));
    targets.push(target);
  }
  if (faults.length > 0) {
    throw new UsageError(`The seed does not fit the database: ${faults.join('; ')}.`, {
      hint: 'Correct the seed definition or the baseline migration.',
    });
  }
  return targets;
}

interface FoundTable {
  oid: number;
  sqlName: string;
  isPartitioned: boolean;
}

async function findTable(client: Client, name: string): Promise<FoundTable | undefined> {
  const { rows } = await client.query<FoundTable>(
    `SELECT c.oid::int8::float8 AS oid, c.oid::regclass::text AS "sqlName", c.relkind = 'p' AS "isPartitioned"
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND n.nspname || '.' || c.relname = CASE WHEN $1 LIKE '%.%' THEN $1 ELSE 'public.' || $1 END`,
    [name],
  );
  return rows[0];
}

async function readColumns(client: Client, oid: number): Promise<CatalogColumn[]> {
  const { rows } = await client.query<CatalogColumn>(
    `SELECT a.attname AS "column", base.oid::int8::float8 AS oid, format_type(a.atttypid, a.atttypmod) AS name,
            CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS modifier,
            CASE WHEN base.typcategory = 'A' THEN base.typelem::int8::float8 ELSE 0 END AS "elementOid",
            base.typtype = 'e' AS "isEnum", a.attnotnull OR t.typnotnull AS "notNull",
            pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) AS sequence,
            a.atthasdef OR a.attidentity <> '' AS "hasDefault", a.attgenerated <> '' AS "isGenerated"
       FROM pg_attribute a
       JOIN pg_type t ON t.oid = a.atttypid
       JOIN pg_type base ON base.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
      WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attnum`,
    [oid],
  );
  return rows;
}

function columnFaults(table: BoundTable, existing: readonly CatalogColumn[]): string[] {
  const known = new Map(existing.map((column) => [column.column, column]));
  const filled = new Set(table.columnNames);
  return [
    ...table.columnNames.flatMap((name) => {
      const column = known.get(name);
      if (column === undefined) return [`table ${table.name} has no column ${name}`];
      return column.isGenerated ? [`column ${table.name}.${name} is generated by the database`] : [];
    }),
    ...existing
      .filter(
        ({ column, notNull, hasDefault, isGenerated }) => notNull && !hasDefault && !isGenerated && !filled.has(column),
      )
      .map(({ column }) => `column ${table.name}.${column} is NOT NULL without default, and the seed does not fill it`),
  ];
}

/** Each column by itself, so that every fault is found. */
function encodingFaults(table: BoundTable, column: TableColumn): string[] {
  try {
    new RowEncoder(table, [column]).encode(0, Math.min(table.rows, dryRows), Infinity, new ByteWriter(65_536));
    return [];
  } catch (error) {
    if (error instanceof UsageError) return [error.message.replace(/\.$/, '')];
    return [`column ${table.name}.${column.column}: ${messageOf(error)}`];
  }
}

/** The first rows in a table of the same shape: what only the server knows, such as labels of enums and check constraints. */
async function serverFaults(client: Client, table: BoundTable, target: TargetTable): Promise<string[]> {
  const dry = `pg_temp.${quoteIdentifier('pgrehearse_dry_run')}`;
  const bytes = new ByteWriter(65_536);
  bytes.append(copyHeader);
  new RowEncoder(table, target.columns).encode(0, Math.min(table.rows, dryRows), Infinity, bytes);
  bytes.append(copyTrailer);
  await client.query(
    `BEGIN; CREATE TABLE ${dry} (LIKE ${target.sqlName} INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING GENERATED)`,
  );
  try {
    const stream = client.query(copyFrom(copyStatement(dry, target.columns)));
    stream.end(bytes.bytes.subarray(0, bytes.length));
    await finished(stream);
    return [];
  } catch (error) {
    return [copyFault(target.name, error).message.replace(/\.$/, '')];
  } finally {
    await client.query('ROLLBACK');
  }
}
