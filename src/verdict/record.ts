/** What the gates found, as it stands in the result. */
export type Outcome = 'pass' | 'fail' | 'inconclusive' | 'invalid';

/** What a gate measured, with its interval and the margin that it is held against. */
export interface GateEstimate {
  value: number;
  low: number;
  high: number;
  margin: number;
  /** `share`: of arrivals that missed the SLO. `ratio`: of p95 after to p95 before. */
  unit: 'share' | 'ratio';
  /** Smallest true value that this run would have failed with a probability of 80 %. */
  detectable?: number;
  /** Of the sign-flip randomisation test: probability of pairs that differ this much if the truth lay at the margin. */
  signFlipPValue?: number;
}

/** One gate of the verdict. */
export interface Gate {
  name: 'validity' | 'correctness' | 'work' | 'typical-p95' | 'slo' | 'stalls' | 'budget';
  outcome: Outcome;
  /** One sentence for people. */
  reason: string;
  stage?: string;
  /** Of which transaction, where it is not of all together. */
  transaction?: string;
  estimate?: GateEstimate;
  /** Shown as evidence; it does not decide. */
  advisory?: boolean;
}

/** What is kept of a comparison by pairs where a result has many of them. */
export interface ComparisonOutcome {
  startedAt: string;
  outcome: Outcome;
  reason: string;
  estimate?: GateEstimate;
  /** Finished pairs, and how many of them were thrown away. */
  pairs: number;
  discarded: number;
}

export interface Verdict {
  outcome: Outcome;
  exitCode: number;
  /** One sentence for people. */
  reason: string;
  gates: Gate[];
}
