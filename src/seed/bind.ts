/** Binds a seed's definition to a seed number and a scale: from then on every cell can be computed. */
import { messageOf, UsageError } from '../errors.ts';
import { sharedCells } from './other-rows.ts';
import type { Cells } from './cells.ts';
import type { SeedSpec, TableSpec } from './define.ts';
import { Grouping } from './grouping.ts';
import { laneOf } from './random.ts';
import type { ParentLink, Scope, TableView } from './scope.ts';

/** What fixes the rows of a definition. */
export interface SeedChoice {
  /** Seed number. */
  seed: number;
  /** 1 is full size. */
  scale: number;
}

/** A table whose cells can be computed. */
export interface BoundTable extends TableView {
  /** Columns of the table itself, in the order of the definition, without latent ones. */
  readonly columnNames: readonly string[];
  /** Cells of a column, latent ones included. */
  cells(column: string): Cells;
}

/** All tables of a seed, by name. */
export type BoundSeed = ReadonlyMap<string, BoundTable>;

/**
 * @throws UsageError that tells all faults of the definition: unknown columns and tables, columns that depend on themselves,
 *   generators that cannot depend on what they are given
 */
export function bindSeed(spec: SeedSpec, choice: SeedChoice): BoundSeed {
  const tables = new Map<string, Table>();
  const table = (name: string): Table => {
    const known = tables.get(name);
    if (known !== undefined) return known;
    const definition = spec.tables[name];
    if (definition === undefined) throw new UsageError(`The seed has no table ${name}.`);
    const created = new Table(name, definition, spec, choice, table);
    tables.set(name, created);
    return created;
  };
  const faults: string[] = [];
  for (const name of Object.keys(spec.tables)) faults.push(...bindingFaults(name, table));
  if (faults.length > 0) {
    throw new UsageError(`The seed is not valid: ${faults.join('; ')}.`, { hint: 'Correct the seed definition.' });
  }
  return new Map(Object.keys(spec.tables).map((name) => [name, table(name)]));
}

function bindingFaults(name: string, table: (name: string) => Table): string[] {
  try {
    const bound = table(name);
    return bound.allColumns.flatMap((column) => {
      try {
        bound.cells(column);
        return [];
      } catch (error) {
        return [`${name}.${column}: ${messageOf(error)}`];
      }
    });
  } catch (error) {
    return [`${name}: ${messageOf(error)}`];
  }
}

class Table implements BoundTable {
  readonly name: string;
  readonly rows: number;
  readonly parent: ParentLink | undefined;
  readonly columnNames: readonly string[];
  readonly allColumns: readonly string[];
  readonly #definition: TableSpec;
  readonly #asOfMs: number;
  readonly #seed: number;
  readonly #table: (name: string) => Table;
  readonly #bound = new Map<string, Cells>();
  readonly #shared = new Map<string, Cells>();
  readonly #inProgress = new Set<string>();

  constructor(
    name: string,
    definition: TableSpec,
    spec: SeedSpec,
    { seed, scale }: SeedChoice,
    table: (name: string) => Table,
  ) {
    this.name = name;
    this.#definition = definition;
    this.#asOfMs = Date.parse(spec.asOf);
    this.#seed = seed;
    this.#table = table;
    this.columnNames = Object.keys(definition.columns);
    this.allColumns = [...Object.keys(definition.latent ?? {}), ...this.columnNames];
    if (definition.childrenOf === undefined) {
      this.rows = rootRows(definition, scale);
    } else {
      const parent = table(definition.childrenOf.table);
      const grouping = new Grouping(definition.childrenOf.counts, laneOf(seed, name, 'childrenOf'));
      this.parent = { table: parent, grouping };
      this.rows = grouping.firstOf(parent.rows);
    }
  }

  column(name: string): Cells {
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    const shared = sharedCells(this.#bind(name));
    this.#shared.set(name, shared);
    return shared;
  }

  cells(name: string): Cells {
    return this.#shared.get(name) ?? this.#bind(name);
  }

  #bind(name: string): Cells {
    const known = this.#bound.get(name);
    if (known !== undefined) return known;
    const column = this.#definition.columns[name] ?? this.#definition.latent?.[name];
    if (column === undefined) throw new UsageError(`Table ${this.name} of the seed has no column ${name}.`);
    if (this.#inProgress.has(name)) throw new UsageError(`Column ${this.name}.${name} depends on itself.`);
    this.#inProgress.add(name);
    try {
      const cells = column.bind(this.#scope([name]));
      this.#bound.set(name, cells);
      return cells;
    } finally {
      this.#inProgress.delete(name);
    }
  }

  #scope(path: readonly (string | number)[]): Scope {
    return {
      table: this,
      asOfMs: this.#asOfMs,
      lane: (label = '') => laneOf(this.#seed, this.name, ...path, label),
      nested: (label) => this.#scope([...path, label]),
      other: (name) => this.#table(name),
    };
  }
}

function rootRows(definition: TableSpec & { childrenOf?: never }, scale: number): number {
  if (definition.fixed) return definition.rows;
  return Math.max(Math.min(definition.rows, definition.minimumRows ?? 1), Math.round(definition.rows * scale));
}
