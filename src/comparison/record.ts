/**
 * What a comparison of two stages by pairs of short blocks found: a part of the RunResult.
 *
 * Units stand in the names, as in result.ts.
 */

import type { TransactionCost } from '../observe/record.ts';

/** Presets by name; what they mean is in `comparison/plan.ts`. */
export type PresetName = 'quick' | 'standard';

/** The clones that take part: the first stage, a second clone of it, and the last stage. */
export type Side = 'before' | 'twin' | 'after';

/** `change`: before, or its twin, against after. `same`: before against its twin, which differ in nothing. */
export type PairKind = 'change' | 'same';

/** How many pairs were to be measured before a look at the evidence. */
export interface Look {
  change: number;
  same: number;
}

/** How a comparison was laid out; decided before its first block. */
export interface ComparisonPlan {
  preset: PresetName;
  /** Counted from the first pair; after each look the comparison ends where the evidence suffices. */
  looks: Look[];
  /** Length of a block, and its beginning, which is driven and not counted. */
  blockMs: number;
  washoutMs: number;
  /** Load on each clone before the first pair. */
  warmupMs: number;
  /** Seed of the order of blocks. */
  orderSeed: number;
}

/** What the host did beside the run while a block ran; absent where the operating system does not tell. */
export interface HostLoad {
  /** Time that the hypervisor gave to other machines, as a share of all time of all cores. */
  stealShare: number;
  /** CPU of processes that are not ours, in cores. */
  foreignCores: number;
}

/** One transaction in one block of a pair. */
export interface PairedTransaction {
  name: string;
  count: number;
  missed: number;
  /** Of the response time. */
  p95Us: number;
  /** Answers of a service that the scenario's check refused; absent where there was none. */
  wrong?: number;
}

/** One block of a pair. */
export interface PairedBlock {
  side: Side;
  startedAt: string;
  outcome: 'complete' | 'saturated' | 'interrupted';
  scheduled: number;
  /** Arrivals that the generator dealt with. */
  offered: number;
  missed: number;
  /** Of the response time. */
  p50Us: number;
  p95Us: number;
  p99Us: number;
  maxUs: number;
  /** Seconds, and how many of them had a p95 above the limit of the SLO. */
  seconds: number;
  slowSeconds: number;
  latenessP99Us: number;
  transactions: PairedTransaction[];
  host?: HostLoad;
  /** Checkpoints that the server began while the block ran. */
  checkpoints?: number;
  /** Raw samples beside result.json. */
  samplesFile: string;
}

/** Two blocks with the same arrivals and parameters. */
export interface BlockPair {
  number: number;
  kind: PairKind;
  /** In the order in which they ran. */
  blocks: PairedBlock[];
}

/** What the server did for one transaction on one side, over all pairs. */
export interface TransactionWork extends TransactionCost {
  side: Side;
}

/** How the server carries out one statement on one side. */
export interface StatementPlan {
  transaction: string;
  statement: string;
  side: Side;
  /** Nodes of the generic plan from the top, with their relations and indexes. */
  shape: string;
}

/** A setting of a side that is not the one of the stage when it ran alone: several servers share the host. */
export interface SharedSetting {
  side: Side;
  name: string;
  value: string;
  reason: string;
}

/** Two stages side by side. */
export interface Comparison {
  /** Names of the stages. */
  before: string;
  after: string;
  plan: ComparisonPlan;
  pairs: BlockPair[];
  /** Absent when the comparison did not come to its end. */
  work?: TransactionWork[];
  statementPlans?: StatementPlan[];
  settings: SharedSetting[];
}
