/** The source text of a scenario: a read and a write of the largest table that has a key. Pure. */
import type { MigrationFormatName } from '../migrate/formats/format.ts';
import type { CatalogueTable } from './catalogue.ts';
import { literal } from './column-generator.ts';
import { keyOf } from './seed-source.ts';
import type { TableSeed } from './table-seed.ts';

export interface ScenarioParts {
  name: string;
  /** Of the seed's module, as the scenario imports it. */
  seedModule: string;
  migrations: string;
  format: MigrationFormatName;
  /** Versions of the stages "before" and "after". */
  before: string;
  after: string;
  seeds: readonly TableSeed[];
  /** The tables as the last stage has them: what a statement names must be there too. */
  later: readonly CatalogueTable[];
}

/** @returns undefined when no table has a primary key that the seed fills */
export function scenarioSource(parts: ScenarioParts): string | undefined {
  const { name, seedModule, migrations, format, before, after } = parts;
  const largest = largestTable(parts);
  if (largest === undefined) return undefined;
  const transactions = [readSource(largest, parts), writeSource(largest, parts)].filter((text) => text !== undefined);
  const formatLine = format === 'pgrehearse' ? '' : `\n    migrationsFormat: '${format}',`;
  return `/**
 * A rehearsal of ${name}. Written by \`pgrehearse init\`; from here on it is yours: put in the reads and writes that your service
 * sends most, with weights as production has them. docs/scenarios.md of the package has the whole guide.
 */
import { defineScenario, defineTransaction } from 'pgrehearse';
import { seed } from '${seedModule}';

export default defineScenario({
  name: '${name}',
  title: ${literal(name)},
  description: 'The next change of ${name}',
  workload: {
    name: '${name}',
    migrations: ${literal(migrations)},${formatLine}
    baseline: '${before}', // the seed is loaded after this one
    seed,
    transactions: {
${transactions.join('\n')}
    },
  },
  stages: [
    { name: 'before', description: 'The schema as it is', migrations: '${before}', profile: 'stock' },
    // The migration that you write next is in here; settings and rewritten statements can be too.
    { name: 'after', description: 'With the change', migrations: '${after}', profile: 'stock' },
  ],
});
`;
}

/** By rows at scale 1, then by columns: lines rather than links between tables. */
function largestTable({ seeds, later }: ScenarioParts): TableSeed | undefined {
  const usable = seeds.filter(({ table, columns }) => {
    const filled = new Set(columns.map(({ name }) => name));
    const there = later.find(({ name }) => name === table.name);
    return there !== undefined && table.primaryKey.length > 0 && table.primaryKey.every((name) => filled.has(name));
  });
  return usable.toSorted((a, b) => b.rows - a.rows || b.columns.length - a.columns.length)[0];
}

/** Columns that the seed fills and that are the same in the last stage. */
function commonColumns({ table, columns }: TableSeed, later: readonly CatalogueTable[]): CatalogueTable['columns'] {
  const filled = new Set(columns.map(({ name }) => name));
  const there = later.find(({ name }) => name === table.name)?.columns ?? [];
  return table.columns.filter(
    ({ name, type }) => filled.has(name) && there.some((one) => one.name === name && one.type === type),
  );
}

function readSource(seed: TableSeed, { seeds, later }: ScenarioParts): string {
  const { table } = seed;
  const common = commonColumns(seed, later);
  const list = common.map(({ sqlName }) => sqlName).join(', ');
  const key = listedKey(seed, later, seeds);
  if (key === undefined) {
    return `      ${keyOf(`read_${identifier(table.name)}`)}: defineTransaction({
        description: ${literal(`A row of ${table.name} by its key`)},
        weight: 4,
        access: 'read',
        params: (draw) => {
          const row = draw.int(0, draw.rows(${literal(table.name)}) - 1);
          return [${keyCells(table)}];
        },
        statements: { row: ${quoted(`SELECT ${list} FROM ${table.sqlName} WHERE ${keyCondition(table, 1)}`)} },
        run: (client, values) => client.query('row', values),
      }),`;
  }
  const order = table.primaryKey.map((name) => `${sqlNameOf(table, name)} DESC`).join(', ');
  const condition = `${sqlNameOf(table, key.column)} = $1`;
  return `      ${keyOf(`list_${identifier(table.name)}`)}: defineTransaction({
        description: ${literal(`The newest rows of ${table.name} for one of ${key.table}`)},
        weight: 4,
        access: 'read',
        params: (draw) => [draw.cell(${literal(key.table)}, ${literal(key.references)}, draw.int(0, draw.rows(${literal(key.table)}) - 1))],
        statements: {
          rows: ${quoted(`SELECT ${list} FROM ${table.sqlName} WHERE ${condition} ORDER BY ${order} LIMIT 20`)},
        },
        run: (client, values) => client.query('rows', values),
      }),`;
}

/** A foreign key that an index of the last stage begins with. */
function listedKey(
  { table }: TableSeed,
  later: readonly CatalogueTable[],
  seeds: readonly TableSeed[],
): { column: string; table: string; references: string } | undefined {
  const indexed = new Set(later.find(({ name }) => name === table.name)?.indexed);
  const key = table.foreignKeys.find(
    ({ columns, table: name }) =>
      columns.length === 1 && indexed.has(columns[0]!) && seeds.some((seed) => seed.table.name === name),
  );
  return key && { column: key.columns[0]!, table: key.table, references: key.references[0]! };
}

/** Sets a column to the value that another row has: it always fits. */
function writeSource(seed: TableSeed, { later }: ScenarioParts): string | undefined {
  const { table } = seed;
  const settable = settableColumn(seed, later);
  if (settable === undefined) return undefined;
  const key = table.primaryKey.length;
  const statement = `UPDATE ${table.sqlName} SET ${settable.sqlName} = $${key + 1} WHERE ${keyCondition(table, 1)}`;
  return `      ${keyOf(`update_${identifier(table.name)}`)}: defineTransaction({
        description: ${literal(`Change ${settable.name} of a row of ${table.name}`)},
        weight: 1,
        access: 'write',
        params: (draw) => {
          const [row, other] = [draw.int(0, draw.rows(${literal(table.name)}) - 1), draw.int(0, draw.rows(${literal(table.name)}) - 1)];
          return [${keyCells(table)}, draw.cell(${literal(table.name)}, ${literal(settable.name)}, other)];
        },
        statements: { update: ${quoted(statement)} },
        run: (client, values) => client.query('update', values),
      }),`;
}

/** No key, nothing unique, nothing that a CHECK of two columns ties; plain types first. */
function settableColumn(
  seed: TableSeed,
  later: readonly CatalogueTable[],
): CatalogueTable['columns'][number] | undefined {
  const { table } = seed;
  const tied = new Set([
    ...table.primaryKey,
    ...table.unique.flat(),
    ...table.foreignKeys.flatMap(({ columns }) => columns),
    ...table.checks.filter(({ columns }) => columns.length > 1).flatMap(({ columns }) => columns),
  ]);
  const free = commonColumns(seed, later).filter(({ name, isArray }) => !tied.has(name) && !isArray);
  const order = ['int4', 'int8', 'int2', 'numeric', 'bool', 'text', 'varchar', 'timestamptz', 'timestamp', 'date'];
  return free
    .filter(({ base }) => order.includes(base))
    .toSorted((a, b) => order.indexOf(a.base) - order.indexOf(b.base))[0];
}

function keyCells({ name, primaryKey }: CatalogueTable): string {
  return primaryKey.map((column) => `draw.cell(${literal(name)}, ${literal(column)}, row)`).join(', ');
}

function keyCondition(table: CatalogueTable, first: number): string {
  return table.primaryKey.map((name, at) => `${sqlNameOf(table, name)} = $${first + at}`).join(' AND ');
}

function sqlNameOf({ columns }: CatalogueTable, name: string): string {
  return columns.find((column) => column.name === name)!.sqlName;
}

function identifier(name: string): string {
  return name.replaceAll(/\W/g, '_');
}

/** SQL as a string of TypeScript; quotes of identifiers stay readable. */
function quoted(sql: string): string {
  return sql.includes("'") ? JSON.stringify(sql) : `'${sql.replaceAll('\\', '\\\\')}'`;
}
