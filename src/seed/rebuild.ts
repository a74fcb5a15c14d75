/** Puts indexes and keys of a table back as soon as its rows stand, gathers statistics, and at the end restores foreign keys. */
import type { ConnectionTarget } from '../server/server.ts';
import { quoteIdentifier } from '../sql.ts';
import type { TargetTable } from './inspect.ts';
import type { ProgressTeller } from './progress.ts';
import {
  commentStatements,
  foreignKeyBuilds,
  indexBuilds,
  keyStatements,
  quoteLiteral,
  type ForeignKeyBuild,
  type SchemaObjects,
} from './schema-objects.ts';
import { TaskLanes, type Task } from './task-lanes.ts';

/** Disposing cancels what is under way. */
export class Rebuild implements AsyncDisposable {
  readonly #objects: SchemaObjects;
  readonly #targets: readonly TargetTable[];
  readonly #lanes: TaskLanes;
  readonly #restored: Promise<void>[] = [];
  readonly #failure = new AbortController();

  constructor(
    connection: ConnectionTarget,
    objects: SchemaObjects,
    targets: readonly TargetTable[],
    progress: ProgressTeller,
  ) {
    this.#objects = objects;
    this.#targets = targets;
    const totals = { index: indexBuilds(objects).length, constraint: targets.length + 2, analyze: targets.length };
    totals.constraint += foreignKeyBuilds(objects).length;
    const started = { index: 0, constraint: 0, analyze: 0 };
    this.#lanes = new TaskLanes(connection, ({ phase, table, text }) =>
      progress.step(phase, table, text, started[phase]++, totals[phase]),
    );
  }

  /** Aborted, with the error as reason, when something could not be restored. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  /** Takes one more core. */
  addCore(): void {
    this.#lanes.open();
  }

  /** All rows of the table stand. */
  copied(target: TargetTable): void {
    const restored = this.#restore(target);
    this.#restored.push(restored);
    restored.catch((error: unknown) => this.#failure.abort(error));
  }

  /**
   * Waits for all tables, then restores foreign keys: a seed with a dangling reference fails here.
   * @throws UsageError when the rows break a constraint
   */
  async finish(): Promise<void> {
    await Promise.all(this.#restored);
    const foreign = foreignKeyBuilds(this.#objects);
    await this.#oneAfterTheOther(foreign.map(({ add }) => add));
    await this.#lanes.run(foreign.flatMap((key) => this.#validation(key)));
    await this.#oneAfterTheOther([...commentStatements(this.#objects), ...this.#targets.flatMap(sequenceStatements)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lanes[Symbol.asyncDispose]();
  }

  /** Keys and statistics wait for all indexes of the table, because their locks exclude each other. */
  async #restore({ sqlName, rows }: TargetTable): Promise<void> {
    const objects = {
      indexes: this.#objects.indexes.filter(({ table }) => table === sqlName),
      constraints: this.#objects.constraints.filter(({ table }) => table === sqlName),
    };
    const task = { table: sqlName, size: rows };
    await this.#lanes.run(
      indexBuilds(objects).map(({ name, statement, keyWeight }) => ({
        table: sqlName,
        size: rows * keyWeight,
        phase: 'index',
        text: `index ${name}`,
        statement,
      })),
    );
    await this.#oneAfterTheOther(keyStatements(objects), task);
    const statement = `VACUUM (ANALYZE) ${sqlName}`;
    await this.#lanes.run([{ ...task, phase: 'analyze', text: `statistics of ${sqlName}`, statement }]);
  }

  /** Statements that touch catalogs only: quick, and in an order that matters. */
  async #oneAfterTheOther(statements: readonly string[], { table = '', size = Infinity } = {}): Promise<void> {
    if (statements.length === 0) return;
    const task: Task = { phase: 'constraint', table, size, text: 'constraints', statement: statements.join(';\n') };
    await this.#lanes.run([task]);
  }

  #validation({ table, name, validate }: ForeignKeyBuild): Task[] {
    if (validate === undefined) return [];
    const size = this.#targets.find(({ sqlName }) => sqlName === table)?.rows ?? 0;
    return [{ phase: 'constraint', table, size, text: `foreign key ${name}`, statement: validate }];
  }
}

/** Serial and identity columns go on after the largest seeded value. */
function sequenceStatements({ sqlName, sequences }: TargetTable): string[] {
  return sequences.map(({ column, sequence }) => {
    const largest = `max(${quoteIdentifier(column)})`;
    return `SELECT setval(${quoteLiteral(sequence)}, ${largest}) FROM ${sqlName} HAVING ${largest} IS NOT NULL`;
  });
}
