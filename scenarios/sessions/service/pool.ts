/** The two pools of the source document. */
import type { PoolConfig } from 'pg';

export type PoolName = 'before' | 'after';

export const pools: Record<PoolName, PoolConfig & { max: number }> = {
  /** As the document found it: no limit on how long a statement may take. */
  before: { max: 20, idleTimeoutMillis: 30_000, connectionTimeoutMillis: 2_000 },
  /** Lines 58 to 63, one thing corrected. */
  after: {
    max: 50,
    // pg keeps this many from going idle, it does not open them ahead: Database.warmUp does.
    min: 5,
    idleTimeoutMillis: 10_000,
    connectionTimeoutMillis: 1_000,
    // The document: query_timeout: 5000, statement_timeout: 10000. So the client gives up first, and the server works on for
    // up to 5 s for nobody, on a connection that has to be closed. In this order the server stops the statement,
    // the connection lives on, and the client's own timeout is left for a server that does not answer at all.
    statement_timeout: 5_000,
    query_timeout: 10_000,
  },
};
