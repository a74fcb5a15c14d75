/** What a search for the capacity found, as it stands in the result. */
/** One rate that was offered to a stage in the search for the highest that it holds. */
export interface CapacityStep {
  ratePerSecond: number;
  /** The SLO was met: of the arrivals, no larger share than it allows was slow, failed or unfinished. */
  held: boolean;
  /** The queue grew until the step was stopped; the latencies are then lower bounds. */
  saturated: boolean;
  measuredMs: number;
  scheduled: number;
  missed: number;
  /** Transactions a second that succeeded. */
  donePerSecond: number;
  /** Of the response time. */
  p50Us: number;
  p95Us: number;
  p99Us: number;
  /** Of the load generator itself. */
  latenessP99Us: number;
  samplesFile: string;
}

/** How far one stage can go. */
export interface CapacityResult {
  stage: string;
  /** Highest rate that held; absent when none did. */
  heldPerSecond?: number;
  /** Lowest rate that did not hold; absent when all did. */
  missedPerSecond?: number;
  /** In the order in which they were driven, on one clone. */
  steps: CapacityStep[];
}
