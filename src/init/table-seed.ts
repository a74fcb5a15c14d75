/** How a table is to be seeded: how many rows, and a generator for each column, with the reason. Pure. */
import type { CatalogueColumn, CatalogueTable, ForeignKey } from './catalogue.ts';
import { distinctValues, literal, plainGenerator, uniqueGenerator } from './column-generator.ts';

export interface SeededColumn {
  name: string;
  /** Source text of the generator. */
  code: string;
  /** What the catalogue says of the column, and why this generator. */
  comment: string;
}

export interface TableSeed {
  table: CatalogueTable;
  /** At scale 1; an estimate where the rows follow from a parent's. */
  rows: number;
  /** The same number at every scale: there are not more different values. */
  fixed: boolean;
  /** The table whose rows have one row each of this one. */
  parent?: string;
  latent: SeededColumn[];
  columns: SeededColumn[];
  /** Columns that get their default, or null, because a seed cannot write their type. */
  omitted: CatalogueColumn[];
  /** What could not be done, in sentences. */
  notes: string[];
}

/** Rows at scale 1 by the number of foreign keys on the way to a table without any: customers, orders, order lines. */
const rowsByDepth = [10_000, 100_000, 1_000_000];

/** All plain tables; one that others refer to stands before them where that is possible. */
export function seedTables(tables: readonly CatalogueTable[]): TableSeed[] {
  const plain = tables.filter(({ isPartitioned }) => !isPartitioned);
  const depths = new Map(plain.map((table) => [table.name, depthOf(table, plain, new Set())]));
  const ordered = plain.toSorted((a, b) => depths.get(a.name)! - depths.get(b.name)!);
  const seeds: TableSeed[] = [];
  for (const table of ordered) seeds.push(new TablePlan(table, plain).seed(depths.get(table.name)!, seeds));
  return seeds;
}

/** Foreign keys on the longest way up; a circle ends it. */
function depthOf(table: CatalogueTable, tables: readonly CatalogueTable[], seen: ReadonlySet<string>): number {
  const above = table.foreignKeys
    .flatMap(({ table: name }) => tables.filter((one) => one.name === name))
    .filter(({ name }) => name !== table.name && !seen.has(name));
  return Math.max(-1, ...above.map((one) => depthOf(one, tables, new Set([...seen, table.name])))) + 1;
}

class TablePlan {
  readonly #table: CatalogueTable;
  readonly #columns: Map<string, CatalogueColumn>;
  readonly #keys: ForeignKey[];
  readonly #made = new Map<string, SeededColumn>();
  readonly #latent: SeededColumn[] = [];
  readonly #notes: string[] = [];
  /** Columns whose values differ from row to row. */
  readonly #distinct = new Set<string>();
  #parent: ForeignKey | undefined;
  #fewest = Infinity;

  constructor(table: CatalogueTable, tables: readonly CatalogueTable[]) {
    this.#table = table;
    this.#columns = new Map(table.columns.map((column) => [column.name, column]));
    const known = new Set(tables.map(({ name }) => name));
    // The widest first: (tenant, user) says more than tenant alone.
    this.#keys = table.foreignKeys
      .filter((key) => known.has(key.table))
      .toSorted((a, b) => b.columns.length - a.columns.length);
  }

  seed(depth: number, before: readonly TableSeed[]): TableSeed {
    const { name, columns, unique } = this.#table;
    for (const set of [this.#table.primaryKey, ...unique]) if (set.length > 0) this.#makeDistinct(set);
    for (const key of this.#keys) this.#refer(key);
    for (const column of columns) this.#fill(column);
    const parent = before.find((one) => one.table.name === this.#parent?.table);
    const rows = parent?.rows ?? Math.min(rowsByDepth[Math.min(depth, 2)]!, this.#fewest);
    return {
      table: this.#table,
      rows,
      fixed: this.#parent === undefined && this.#fewest < 1_000_000,
      ...(this.#parent === undefined ? {} : { parent: this.#parent.table }),
      latent: this.#latent,
      columns: columns.flatMap((column) => this.#made.get(column.name) ?? []),
      omitted: columns.filter((column) => !column.isGenerated && !this.#made.has(column.name)),
      notes: this.#notes.map((note) => `${name}: ${note}`),
    };
  }

  /** Gives one column of a unique set values of its own, or each row a parent of its own. */
  #makeDistinct(set: readonly string[]): void {
    if (set.some((column) => this.#distinct.has(column))) return;
    const free = set
      .filter((name) => !this.#keys.some(({ columns }) => columns.includes(name)))
      .map((name) => this.#columns.get(name)!)
      .filter((column) => !column.isGenerated && uniqueGenerator(column) !== undefined)
      .toSorted((a, b) => distinctValues(b) - distinctValues(a));
    const best = free[0];
    const key = this.#keys.find(({ columns }) => columns.every((name) => set.includes(name)));
    if (best !== undefined && (distinctValues(best) >= 30_000 || key === undefined)) {
      this.#fewest = Math.min(this.#fewest, distinctValues(best));
      return this.#add(best.name, uniqueGenerator(best)!, 'unique');
    }
    if (key !== undefined && key.table !== this.#table.name && (this.#parent === undefined || this.#parent === key)) {
      return this.#adopt(key);
    }
    const nullable = set.map((name) => this.#columns.get(name)!).find(({ notNull }) => !notNull);
    if (nullable !== undefined)
      return this.#add(nullable.name, 'constant(null)', 'unique, and no other value is known to be');
    this.#notes.push(`no generator is known whose values are unique over (${set.join(', ')}): write one`);
  }

  /** One row for each row of the other table: whatever refers to it is then unique. */
  #adopt(key: ForeignKey): void {
    this.#parent = key;
    for (const [at, name] of key.columns.entries()) {
      const reason = `refers to ${key.table}; one row for each of them, since it is unique`;
      this.#add(name, `parent(${literal(key.references[at]!)})`, reason);
    }
  }

  #refer(key: ForeignKey): void {
    const open = key.columns.filter((name) => !this.#made.has(name));
    if (open.length === 0) return;
    if (open.length < key.columns.length) {
      this.#notes.push(
        `(${key.columns.join(', ')}) refers to ${key.table}, and other keys share its columns: see that they agree`,
      );
    }
    const reason = `refers to ${key.table}; few of them have most rows`;
    if (key.columns.length === 1) {
      const code = `reference(${literal(key.table)}, ${literal(key.references[0]!)}, zipfian(0.8))`;
      return this.#add(key.columns[0]!, code, reason, 0.2);
    }
    const row = `${key.columns.join('_')}_row`;
    this.#latent.push({
      name: row,
      code: `rowOf(${literal(key.table)}, zipfian(0.8))`,
      comment: `a row of ${key.table}`,
    });
    for (const [at, name] of key.columns.entries()) {
      if (!this.#made.has(name)) {
        this.#add(name, `lookup(${literal(key.table)}, ${literal(key.references[at]!)}, ${literal(row)})`, reason);
      }
    }
  }

  #fill(column: CatalogueColumn): void {
    if (column.isGenerated || this.#made.has(column.name)) return;
    const code = plainGenerator({ table: this.#table, column, createdAt: this.#createdAt() });
    if (code !== undefined) return this.#add(column.name, code, '', 0.1);
    if (column.notNull && !column.hasDefault) {
      this.#notes.push(`${column.name} is ${column.type}, which a seed cannot write, and it must not be null`);
    }
  }

  /** The column that tells when a row was made. */
  #createdAt(): string | undefined {
    const instants = this.#table.columns.filter(({ base, isArray }) => /^timestamp(tz)?$/.test(base) && !isArray);
    const first = instants.find(({ name }) =>
      /^(created|inserted|registered|placed|ordered|occurred|started|sent)/i.test(name),
    );
    return (first ?? instants.find(({ notNull, name }) => notNull && !/updated|modified/i.test(name)))?.name;
  }

  #add(name: string, code: string, reason: string, nullShare = 0): void {
    const { type, notNull } = this.#columns.get(name)!;
    const isDistinct = reason.startsWith('unique') || code.startsWith('parent(');
    const withNulls = !notNull && !isDistinct && nullShare > 0 && name !== this.#createdAt();
    this.#made.set(name, {
      name,
      code: withNulls ? `nullable(${nullShare}, ${code})` : code,
      comment: [type, notNull ? '' : 'may be null', reason].filter((part) => part !== '').join(', '),
    });
    if (isDistinct) this.#distinct.add(name);
  }
}
