/** Puts indexes, keys and foreign keys back after the rows, as many at once as the machine has cores, then gathers statistics. */
import { availableParallelism } from 'node:os';
import { Client, DatabaseError } from 'pg';
import { EnvironmentError, UsageError, messageOf } from '../errors.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { quoteIdentifier } from '../sql.ts';
import type { TargetTable } from './inspect.ts';
import type { ProgressTeller } from './progress.ts';
import { commentStatements, foreignKeyBuilds, indexBuilds, keyStatements, quoteLiteral } from './schema-objects.ts';
import type { SchemaObjects } from './schema-objects.ts';

/** One statement of a phase. */
interface Task {
  table: string;
  text: string;
  statement: string;
}

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
  control: RebuildControl,
): Promise<void> {
  const one = { ...control, connections: 1 };
  const many = { ...control, connections: availableParallelism() };
  // The longest first, so that no core is left with a long one at the end.
  const rows = new Map(targets.map((target) => [target.sqlName, target.rows]));
  const builds = indexBuilds(objects).toSorted((a, b) => (rows.get(b.table) ?? 0) - (rows.get(a.table) ?? 0));
  const indexes = builds.map(({ table, name, statement }) => ({ table, text: `index ${name}`, statement }));
  await inParallel(connection, 'index', indexes, many);
  const foreign = foreignKeyBuilds(objects);
  const quick = [...keyStatements(objects), ...foreign.map(({ add }) => add)];
  await inParallel(connection, 'constraint', quick.map(quickTask), one);
  const checks = foreign.flatMap(({ table, name, validate }) =>
    validate === undefined ? [] : [{ table, text: `foreign key ${name}`, statement: validate }],
  );
  await inParallel(connection, 'constraint', checks, many);
  await inParallel(connection, 'constraint', commentStatements(objects).map(quickTask), one);
  await inParallel(connection, 'constraint', targets.flatMap(sequenceStatements).map(quickTask), one);
  const analyze = targets.map(({ sqlName }) => ({
    table: sqlName,
    text: `statistics of ${sqlName}`,
    statement: `VACUUM (ANALYZE) ${sqlName}`,
  }));
  await inParallel(connection, 'analyze', analyze, many);
}

/** Serial and identity columns go on after the largest seeded value. */
function sequenceStatements({ sqlName, sequences }: TargetTable): string[] {
  return sequences.map(({ column, sequence }) => {
    const largest = `max(${quoteIdentifier(column)})`;
    return `SELECT setval(${quoteLiteral(sequence)}, ${largest}) FROM ${sqlName} HAVING ${largest} IS NOT NULL`;
  });
}

function quickTask(statement: string): Task {
  return { table: '', text: 'constraints', statement };
}

/** Runs the tasks on several connections, each taking the next one that is left. */
async function inParallel(
  connection: ConnectionTarget,
  phase: 'index' | 'constraint' | 'analyze',
  tasks: readonly Task[],
  { connections, progress, signal }: RebuildControl & { connections: number },
): Promise<void> {
  const queue = [...tasks];
  const stop = new AbortController();
  const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const work = async (): Promise<void> => {
    for (let task = queue.shift(); task !== undefined && !stopped.aborted; task = queue.shift()) {
      progress.step(phase, task.table, task.text, tasks.length - queue.length - 1, tasks.length);
      await runTask(connection, task, stopped);
    }
  };
  const lanes = Array.from({ length: Math.min(connections, tasks.length) }, () =>
    work().catch((error: unknown) => {
      stop.abort();
      throw error;
    }),
  );
  const ended = await Promise.allSettled(lanes);
  signal?.throwIfAborted();
  const failed = ended.find((lane) => lane.status === 'rejected');
  if (failed) throw failed.reason;
}

async function runTask(connection: ConnectionTarget, task: Task, stopped: AbortSignal): Promise<void> {
  const client = new Client({ ...connection, application_name: 'pgrehearse seed' });
  client.on('error', () => {});
  const cancel = (): void => void cancelBackend(connection, client);
  await client.connect();
  stopped.addEventListener('abort', cancel, { once: true });
  try {
    await client.query(task.statement);
  } catch (error) {
    throw taskFault(task, error);
  } finally {
    stopped.removeEventListener('abort', cancel);
    await client.end();
  }
}

/** Ends a statement that nobody waits for any more. */
async function cancelBackend(connection: ConnectionTarget, client: Client): Promise<void> {
  const pid = (client as unknown as { processID: number }).processID;
  const other = new Client({ ...connection, application_name: 'pgrehearse seed' });
  other.on('error', () => {});
  try {
    await other.connect();
    await other.query('SELECT pg_cancel_backend($1)', [pid]);
  } catch {
    // The server is going down; then the statement ends with it.
  } finally {
    await other.end().catch(() => {});
  }
}

function taskFault(task: Task, error: unknown): Error {
  const message = `${task.text} of the seeded tables could not be restored: ${messageOf(error)}.`;
  const sentence = message[0]!.toUpperCase() + message.slice(1);
  // Class 23: integrity constraint violation.
  if (error instanceof DatabaseError && error.code?.startsWith('23')) {
    return new UsageError(sentence, { hint: error.detail ?? 'Correct the seed definition.', cause: error });
  }
  return new EnvironmentError(sentence, { cause: error });
}
