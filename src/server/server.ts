/** Where PostgreSQL comes from: one interface, several implementations. */
import type { Settings } from '../scenario.ts';

/** How to reach one database; plain data, so that worker threads can be given it. Passed to `pg` as it is. */
export interface ConnectionTarget {
  /** Folder of the Unix socket, or an address. */
  host: string;
  port: number;
  user: string;
  database: string;
  password?: string;
  /** False: never encrypted, whatever the environment says. */
  ssl?: TlsOptions | false;
}

/** TLS of a connection, plain data; certificates and keys are PEM texts. */
export interface TlsOptions {
  rejectUnauthorized: boolean;
  ca?: string;
  cert?: string;
  key?: string;
}

/** A setting that was asked for and that this server keeps at another value. */
export interface SettingGap {
  name: string;
  /** What it is instead. */
  value: string;
  /** Why, as in "needs a restart". */
  reason: string;
}

/** What this server lets us do; checked before a run that needs it. */
export interface Capabilities {
  restart: boolean;
  configure: boolean;
  clone: boolean;
}

/** A running PostgreSQL server. Disposing stops it. */
export interface Server extends AsyncDisposable {
  readonly kind: 'embedded' | 'installed' | 'docker' | 'external';
  /** As the server says it: "18.4". */
  readonly version: string;
  readonly major: number;
  readonly capabilities: Capabilities;
  /** Settings that were asked for and could not be had. */
  readonly gaps: readonly SettingGap[];
  /** Process id of the postmaster; undefined where it, or its backends, have none that counts on this machine. */
  readonly pid: number | undefined;
  /** Processes of this machine that work for it, each with all that it starts: what they use is nobody else's. */
  readonly processes: readonly number[];
  /** Makes our database and marks it as ours. */
  makeDatabase(name: string): Promise<void>;
  /** @param database default `postgres` */
  connection(database?: string): ConnectionTarget;
  /** The same over loopback with a password, for programs that know no sockets. */
  loopbackConnection(database: string): ConnectionTarget;
  /** The error to tell: that the server crashed, and why, in place of what a client met; any other error as it is. */
  explain(error: unknown): Promise<unknown>;
  /** Stops, a scratch server at once; resolves when the process is gone. Safe to call twice. */
  stop(): Promise<void>;
  /** Stops after everything was written out, also a scratch server: its data folder can then be kept. */
  shutDown(): Promise<void>;
}

/** A server of our own, on a data folder. */
export interface LocalServer extends Server {
  readonly kind: 'embedded' | 'installed';
  readonly dataDir: string;
  readonly pid: number;
  /** Stops and starts again, with other settings where given. */
  restart(settings?: Settings): Promise<void>;
}
