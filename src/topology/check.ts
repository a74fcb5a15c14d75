/** What a topology may be, and which transactions a replica can carry out: found before anything starts. */
import * as z from 'zod';
import type { ScenarioSpec, StageSpec, TransactionBody } from '../scenario.ts';
import { splitStatements } from '../sql.ts';
import { goesToReplica } from './routing.ts';

const milliseconds = z.number().positive().max(3_600_000, 'at most an hour');

export const topologyShape = z.strictObject({
  replica: z
    .strictObject({
      settings: z.record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()])).optional(),
    })
    .optional(),
  pooler: z
    .strictObject({
      poolSize: z.int().positive().max(10_000).optional(),
      queryWaitTimeoutMs: milliseconds.optional(),
      serverIdleTimeoutMs: milliseconds.optional(),
      maxPreparedStatements: z.int().min(0).max(10_000).optional(),
    })
    .optional(),
});

/** The SQL has been parsed before, so that only what it says is looked at. */
export async function topologyFaults({ workload, stages }: ScenarioSpec): Promise<string[]> {
  const all = Object.entries(workload.transactions);
  const faults = all
    .filter(([, { access, readsOwnWrites }]) => readsOwnWrites === true && access === 'write')
    .map(([name]) => `transactions.${name}.readsOwnWrites: a write stays on the primary anyway`);
  for (const stage of stages.filter(({ topology }) => topology?.replica !== undefined)) {
    const routed = all.filter(([, transaction]) => goesToReplica(transaction, stage));
    if (routed.length === 0) faults.push(`stages.${stage.name}.topology.replica: no transaction would go to it`);
    for (const [name, transaction] of routed) {
      faults.push(...(await replicaFaults(name, stage.rewrites?.[name] ?? transaction, stage)));
    }
  }
  return faults;
}

/** PostgreSQL manual, 26.4.1: what a hot standby refuses. */
async function replicaFaults(name: string, body: TransactionBody, { name: stage }: StageSpec): Promise<string[]> {
  const advice = `of stage ${stage} refuses it; declare readsOwnWrites: true, and it stays on the primary`;
  const faults: string[] = [];
  if (body.isolation === 'serializable')
    faults.push(`transactions.${name}: is serializable, and the replica ${advice}`);
  for (const [key, text] of Object.entries(body.statements)) {
    if (await writesOrLocks(text))
      faults.push(`transactions.${name}.${key}: writes or locks rows, and the replica ${advice}`);
  }
  return faults;
}

/** As far as the text tells: what a function does is seen when it is called. */
async function writesOrLocks(text: string): Promise<boolean> {
  const statements = await splitStatements(text).catch(() => []);
  return statements.some(
    ({ kind, node }) =>
      kind !== 'SelectStmt' ||
      /"(?:InsertStmt|UpdateStmt|DeleteStmt|MergeStmt|lockingClause)":/.test(JSON.stringify(node)),
  );
}
