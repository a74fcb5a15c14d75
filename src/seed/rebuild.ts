/** Puts indexes, keys and foreign keys back after the rows, as many at once as the machine has cores, then gathers statistics. */
import { availableParallelism } from 'node:os';
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
  type SchemaObjects,
} from './schema-objects.ts';
import { openTaskLanes, type Task } from './task-lanes.ts';

export interface RebuildControl {
  progress: ProgressTeller;
  signal?: AbortSignal;
}

/**
 * Foreign keys are checked against the rows: a seed with a dangling reference fails here.
 * @throws UsageError when the rows break a constraint
 */
export async function rebuild(
  connection: ConnectionTarget,
  objects: SchemaObjects,
  targets: readonly TargetTable[],
  { progress, signal }: RebuildControl,
): Promise<void> {
  await using lanes = await openTaskLanes(connection, availableParallelism(), signal);
  const run = (phase: Task['phase'], tasks: readonly Omit<Task, 'phase'>[]): Promise<void> =>
    lanes.run(
      tasks.map((task) => ({ ...task, phase })),
      (task, done) => progress.step(task.phase, task.table, task.text, done, tasks.length),
    );
  await run('index', indexTasks(objects, targets));
  const foreign = foreignKeyBuilds(objects);
  await run('constraint', oneAfterTheOther([...keyStatements(objects), ...foreign.map(({ add }) => add)]));
  await run(
    'constraint',
    foreign.flatMap(({ table, name, validate }) =>
      validate === undefined ? [] : [{ table, text: `foreign key ${name}`, statement: validate }],
    ),
  );
  await run('constraint', oneAfterTheOther([...commentStatements(objects), ...targets.flatMap(sequenceStatements)]));
  await run('analyze', targets.toSorted(byRows).map(analyzeTask));
}

function byRows(a: TargetTable, b: TargetTable): number {
  return b.rows - a.rows;
}

/** The longest first, so that no core is left with a long one at the end. */
function indexTasks(objects: SchemaObjects, targets: readonly TargetTable[]): Omit<Task, 'phase'>[] {
  const rows = new Map(targets.map((target) => [target.sqlName, target.rows]));
  const builds = indexBuilds(objects).toSorted((a, b) => (rows.get(b.table) ?? 0) - (rows.get(a.table) ?? 0));
  return builds.map(({ table, name, statement }) => ({ table, text: `index ${name}`, statement }));
}

/** Statements that touch catalogs only: quick, and in an order that matters. */
function oneAfterTheOther(statements: readonly string[]): Omit<Task, 'phase'>[] {
  return statements.length === 0 ? [] : [{ table: '', text: 'constraints', statement: statements.join(';\n') }];
}

function analyzeTask({ sqlName }: TargetTable): Omit<Task, 'phase'> {
  return { table: sqlName, text: `statistics of ${sqlName}`, statement: `VACUUM (ANALYZE) ${sqlName}` };
}

/** Serial and identity columns go on after the largest seeded value. */
function sequenceStatements({ sqlName, sequences }: TargetTable): string[] {
  return sequences.map(({ column, sequence }) => {
    const largest = `max(${quoteIdentifier(column)})`;
    return `SELECT setval(${quoteLiteral(sequence)}, ${largest}) FROM ${sqlName} HAVING ${largest} IS NOT NULL`;
  });
}
