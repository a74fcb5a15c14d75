/** What only the load of a service has, as it stands in the result. */

/** What a service did when every connection asked again at once (closed loop, by autocannon): capacity, not what users feel. */
export interface ClosedLoopFigures {
  stage: string;
  connections: number;
  measuredMs: number;
  /** Whole answers, of any status. */
  answered: number;
  answeredPerSecond: number;
  /** Broken connections, and answers that the scenario's check refused. */
  failed: number;
  timedOut: number;
  /** From the send to the end of the answer. */
  p50Us: number;
  p95Us: number;
  p99Us: number;
}
