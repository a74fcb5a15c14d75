/** What a calibration found, as it stands in the result. */
import type { ComparisonOutcome } from '../verdict/record.ts';

/** One comparison of a stage with itself. */
export interface CalibrationRound extends ComparisonOutcome {
  stage: string;
  /** Standard deviation of ln(p95 / p95) of a pair; absent where too few are usable. */
  deviation?: number;
  /**
   * What running one after the other would have said: mean p95 of the last side's blocks in the second half of the time over that of
   * the first side's in the first half.
   */
  naiveRatio: number;
  /** Transactions that were found slower although nothing differs. */
  falseTransactions: string[];
}
