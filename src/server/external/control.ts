/** Databases of ours on somebody's server: one connection that makes, locks, marks and drops them. */
import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { EnvironmentError, UsageError } from '../../errors.ts';
import { quoteIdentifier } from '../../sql.ts';
import { builtinProviderMajor } from '../initdb.ts';
import { listMarks, writeMark } from '../mark.ts';
import type { ConnectionTarget } from '../server.ts';

/** Begins the name of every database that we make. */
export const namePrefix = 'pgrehearse_';

/** As our own servers have it (initdb.ts). */
const builtinCollation = `LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'`;

/** First half of the keys of our advisory locks: "pgre". */
const lockClass = 0x70677265;

type LockMode = 'shared' | 'exclusive';

/**
 * A connection to the server's maintenance database. Its advisory locks say what is in use; the server frees them when it ends. After a
 * restart of the server there is another connection with the same locks.
 */
export class Control implements AsyncDisposable {
  readonly #target: ConnectionTarget;
  readonly #major: number;
  readonly #locks = new Map<string, LockMode>();
  #client: Client;

  private constructor(target: ConnectionTarget, client: Client, major: number) {
    this.#target = target;
    this.#client = client;
    this.#major = major;
  }

  /** @throws the driver's error */
  static async open(target: ConnectionTarget): Promise<Control> {
    const client = await connect(target);
    const { rows } = await client.query<{ major: number }>(
      `SELECT current_setting('server_version_num')::int / 10000 AS major`,
    );
    return new Control(target, client, rows[0]!.major);
  }

  /** @throws the driver's error; EnvironmentError when somebody took what we had locked before the server restarted */
  async client(): Promise<Client> {
    if (!closed.has(this.#client)) return this.#client;
    const client = await connect(this.#target);
    this.#client = client;
    for (const [name, mode] of this.#locks) {
      if (await lock(client, name, mode)) continue;
      await client.end();
      throw new EnvironmentError(`The server closed our connection, and somebody else uses the database ${name} now.`, {
        hint: 'Run again when nobody restarts the server.',
      });
    }
    return client;
  }

  /** @returns whether nobody else holds a lock on this database that conflicts */
  async tryLock(name: string, mode: LockMode): Promise<boolean> {
    const locked = await lock(await this.client(), name, mode);
    if (locked) this.#locks.set(name, mode);
    return locked;
  }

  async unlock(name: string, mode: LockMode): Promise<void> {
    const suffix = mode === 'shared' ? '_shared' : '';
    const client = await this.client();
    this.#locks.delete(name);
    await client.query(`SELECT pg_advisory_unlock${suffix}($1, $2)`, [lockClass, lockNumber(name)]);
  }

  async exists(name: string): Promise<boolean> {
    const client = await this.client();
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    return rowCount === 1;
  }

  /**
   * Creates a database, empty or as a copy, and marks it as temporary.
   * @param strategy how a template is copied (PostgreSQL manual, CREATE DATABASE)
   */
  async create(name: string, from?: { template: string; strategy: 'FILE_COPY' | 'WAL_LOG' }): Promise<void> {
    const source =
      from === undefined
        ? `TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' ${this.#major >= builtinProviderMajor ? builtinCollation : ''}`
        : `TEMPLATE ${quoteIdentifier(from.template)} STRATEGY ${from.strategy}`;
    const client = await this.client();
    await client.query(`CREATE DATABASE ${quoteIdentifier(name)} ${source}`);
    await writeMark(client, name, { use: 'temporary', createdAt: new Date().toISOString() });
  }

  /**
   * Drops a database of ours, with whoever is connected to it; one that is gone is no error.
   * @throws UsageError when it is not ours
   */
  async drop(name: string): Promise<void> {
    if (!(await this.exists(name))) return;
    const client = await this.client();
    if (!(await listMarks(client)).has(name)) {
      throw new UsageError(`The database ${name} does not carry the mark of pgrehearse and is left alone.`);
    }
    await client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}

async function connect(target: ConnectionTarget): Promise<Client> {
  const client = new Client({ ...target, application_name: 'pgrehearse control' });
  // A connection that breaks while idle must not end the process; the next query tells.
  client.on('error', () => {});
  client.once('end', () => closed.add(client));
  await client.connect();
  return client;
}

/** Connections that were ended, by whomever. */
const closed = new WeakSet<Client>();

async function lock(client: Client, name: string, mode: LockMode): Promise<boolean> {
  const suffix = mode === 'shared' ? '_shared' : '';
  const { rows } = await client.query<{ locked: boolean }>(`SELECT pg_try_advisory_lock${suffix}($1, $2) AS locked`, [
    lockClass,
    lockNumber(name),
  ]);
  return rows[0]!.locked;
}

function lockNumber(name: string): number {
  return createHash('sha256').update(name).digest().readInt32BE();
}

/**
 * Drops the temporary databases whose maker is gone.
 * @returns what was dropped, in sentences
 */
export async function reapDatabases(control: Control): Promise<string[]> {
  const told: string[] = [];
  for (const [name, content] of await listMarks(await control.client())) {
    if (content?.use !== 'temporary' || !(await control.tryLock(name, 'exclusive'))) continue;
    await control.drop(name);
    await control.unlock(name, 'exclusive');
    told.push(`Dropped the database ${name}, which an earlier run had left.`);
  }
  return told;
}
