/** Where PostgreSQL comes from: one interface, several implementations (embedded first). */
import type { Settings } from '../scenario.ts';

/** How to reach one database; plain data, so that worker threads can be given it. Passed to `pg` as it is. */
export interface ConnectionTarget {
  /** Folder of the Unix socket, or a loopback address. */
  host: string;
  port: number;
  user: string;
  database: string;
  password?: string;
}

/** What this server lets us do; checked before a run that needs it. */
export interface Capabilities {
  restart: boolean;
  configure: boolean;
  clone: boolean;
}

/** A running PostgreSQL server. Disposing stops it. */
export interface Server extends AsyncDisposable {
  readonly kind: 'embedded' | 'installed';
  /** As the server says it: "18.4". */
  readonly version: string;
  readonly major: number;
  readonly capabilities: Capabilities;
  readonly dataDir: string;
  /** Process id of the postmaster. */
  readonly pid: number;
  /** @param database default `postgres` */
  connection(database?: string): ConnectionTarget;
  /** The same over loopback with a password, for programs that know no sockets. */
  loopbackConnection(database: string): ConnectionTarget;
  /** Stops and starts again, with other settings where given. */
  restart(settings?: Settings): Promise<void>;
  /** The error to tell: that the server crashed, and why, in place of what a client met; any other error as it is. */
  explain(error: unknown): Promise<unknown>;
  /** Stops, a scratch server at once; resolves when the process is gone. Safe to call twice. */
  stop(): Promise<void>;
  /** Stops after everything was written out, also a scratch server: its data folder can then be kept. */
  shutDown(): Promise<void>;
}
