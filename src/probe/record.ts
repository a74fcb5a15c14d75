/** What a probe found, as it stands in the result. */

/** Serial latency of one read transaction, without load; where it has classes of parameters, of one of them. */
export interface ProbeFigures {
  stage: string;
  transaction: string;
  class?: string;
  /** Times that it was carried out, over so many different parameter sets. */
  runs: number;
  parameterSets: number;
  /** As the client sees it, errors included. */
  minUs: number;
  meanUs: number;
  p50Us: number;
  p95Us: number;
  maxUs: number;
  /** Runs that the statement timeout ended (their times are lower bounds), and that ended with another error. */
  timedOut: number;
  failed: number;
  /** Median of the server's own times, summed over the statements; absent where EXPLAIN could not tell. */
  planUs?: number;
  executionUs?: number;
}
