/** What is asked of a rehearsal. */
import type { LockWait } from '../migrate.ts';
import type { ProjectionTargets } from './sizes.ts';
import { adversaries, type Adversary, type Budgets } from './record.ts';

/** Which interleavings are tried: seeds from `first` on. */
interface InterleavingOrder {
  first: number;
  count: number;
}

/** How a migration is rehearsed. */
export interface LiveRequest {
  budgets: Budgets;
  repeats: number;
  /** Load before the migration, and the least after it. */
  beforeMs: number;
  afterMs: number;
  /** A migration that takes longer under load is given up, and has failed. */
  longestMigrationMs: number;
  /** After it has been applied, it is taken back under the same load. */
  down: boolean;
  /** So often it is also ended by force and mended, on quiet clones. */
  killPoints: number;
  /** A search for deadlocks under load. */
  interleavings: InterleavingOrder;
  /** How long it takes with so many rows; nothing is measured for it where there are none. */
  project: ProjectionTargets;
  /** `each`: all of the repeats with nobody, and then with each kind by itself. */
  adversary?: { kind: Adversary | 'each'; holdMs: number };
  lockWait?: LockWait;
  /** A command of the user's, in place of our runner. */
  command?: string;
}

/** The same for one repeat. */
export interface RepeatRequest extends Omit<LiveRequest, 'adversary'> {
  adversary?: { kind: Adversary; holdMs: number };
}

/** The repeats in their order. */
export function repeatsOf({ adversary, ...request }: LiveRequest): RepeatRequest[] {
  const kinds = adversary?.kind === 'each' ? [undefined, ...adversaries] : [adversary?.kind];
  return kinds.flatMap((kind) => {
    const repeat = { ...request, ...(kind === undefined ? {} : { adversary: { kind, holdMs: adversary!.holdMs } }) };
    return Array.from({ length: request.repeats }, () => repeat);
  });
}
