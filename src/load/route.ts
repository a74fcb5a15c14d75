/** Where the transactions of a stage go. Plain data, so that worker threads can be given it. */
import type { ConnectionTarget } from '../server/server.ts';

export interface DatabaseRoute {
  /** Gets the transactions: the server, or a pooler in front of it. */
  connection: ConnectionTarget;
  /** The server behind the pooler: for what needs a session of its own. Default: `connection` is the server. */
  direct?: ConnectionTarget;
  /** Gets the transactions that a replica may carry out. Default: there is none. */
  replica?: ConnectionTarget;
  directReplica?: ConnectionTarget;
}
