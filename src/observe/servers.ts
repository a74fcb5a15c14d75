/** The servers of a stage, each with the transactions that it carries out: what one did says nothing of the other's. */
import type { PlannedTransaction } from '../load/client.ts';
import type { DatabaseRoute } from '../load/route.ts';
import type { ConnectionTarget } from '../server/server.ts';
import type { StageEvidence } from './record.ts';

export interface WorkingServer {
  connection: ConnectionTarget;
  transactions: readonly PlannedTransaction[];
}

/** The primary first. */
export function workingServers(
  { connection, direct = connection, replica, directReplica = replica }: DatabaseRoute,
  transactions: readonly PlannedTransaction[],
): [primary: WorkingServer, replica?: WorkingServer] {
  if (directReplica === undefined) return [{ connection: direct, transactions }];
  return [
    { connection: direct, transactions: transactions.filter(({ onReplica }) => onReplica !== true) },
    { connection: directReplica, transactions: transactions.filter(({ onReplica }) => onReplica === true) },
  ];
}

/** Of these transactions only. */
export function runsOf({ transactions }: WorkingServer, runs: ReadonlyMap<string, number>): Map<string, number> {
  const names = new Set(transactions.map(({ name }) => name));
  return new Map([...runs].filter(([name]) => names.has(name)));
}

/**
 * Adds to what the primary counted what the replica did: its transactions, and its reads of tables and indexes, without which those that only
 * it reads would seem to serve nobody. Waits, cache, WAL and input and output stay those of the primary.
 */
export function addReplica(evidence: StageEvidence, replica: StageEvidence): void {
  if (replica.costs !== undefined) (evidence.costs ??= []).push(...replica.costs);
  if (replica.plans !== undefined) (evidence.plans ??= []).push(...replica.plans);
  for (const table of evidence.tables) {
    const read = replica.tables.find((other) => other.table === table.table);
    table.seqScans += read?.seqScans ?? 0;
    table.seqRows += read?.seqRows ?? 0;
    table.indexScans += read?.indexScans ?? 0;
  }
  for (const index of evidence.indexes) {
    const read = replica.indexes.find((other) => other.table === index.table && other.index === index.index);
    index.scans += read?.scans ?? 0;
    index.entriesRead += read?.entriesRead ?? 0;
  }
}
