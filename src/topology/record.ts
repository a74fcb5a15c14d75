/** What stood beside and before the server of a stage: a part of the RunResult. */
export interface TopologyResult {
  replica?: {
    /** Names of those that it carried out. */
    transactions: string[];
  };
  pooler?: {
    /** Of PgBouncer, as in "1.18.0". */
    version: string;
    /** Connections to each server. */
    poolSize: number;
    /** Statements had names, and stayed prepared. */
    prepared: boolean;
  };
}

/** What PgBouncer counted during a block, warm-up included. */
export interface PoolerFigures {
  transactions: number;
  /** What a transaction waited for a connection to its server, on average. */
  meanWaitUs: number;
}
