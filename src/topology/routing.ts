/** Which server of a stage carries out a transaction. */
import type { StageSpec, TransactionSpec } from '../scenario.ts';

/** Reads go to the replica, where the stage has one, unless they must see what was written just before. */
export function goesToReplica({ access, readsOwnWrites }: TransactionSpec, { topology }: StageSpec): boolean {
  return topology?.replica !== undefined && access === 'read' && readsOwnWrites !== true;
}

/** Servers that a stage has alive. */
export function serversOf({ topology }: StageSpec): number {
  return topology?.replica === undefined ? 1 : 2;
}
