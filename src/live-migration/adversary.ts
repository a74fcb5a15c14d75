/** Others who hold locks while a migration wants its own: what every production has and no rehearsal on a quiet clock. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { quoteIdentifier } from '../sql.ts';
import type { ConnectionTarget } from '../server/server.ts';
import type { Adversary } from './record.ts';

/**
 * An adversary that holds a lock on each of the tables for so long, or until it is disposed of.
 *
 * A `reader` has read a row in a transaction that stays open; a `writer` has locked one and is idle in its transaction.
 */
export class AdversarySession implements AsyncDisposable {
  readonly #leave: AbortController;
  readonly #over: Promise<void>;

  private constructor(leave: AbortController, over: Promise<void>) {
    this.#leave = leave;
    this.#over = over;
  }

  /** Returns when it has its locks. */
  static async start(
    connection: ConnectionTarget,
    adversary: Adversary,
    tables: readonly string[],
    holdMs: number,
  ): Promise<AdversarySession> {
    const client = new Client({ ...connection, application_name: `adversary: ${adversary}` });
    client.on('error', () => {});
    await client.connect();
    await client.query('BEGIN');
    const lock = adversary === 'reader' ? '' : ' FOR UPDATE';
    for (const table of tables) await client.query(`SELECT FROM ${quoteIdentifier(table)} LIMIT 1${lock}`);
    const leave = new AbortController();
    const over = sleep(holdMs, undefined, { signal: leave.signal })
      .catch(() => {})
      .then(() => client.end().catch(() => {}));
    return new AdversarySession(leave, over);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave.abort();
    await this.#over;
  }
}
