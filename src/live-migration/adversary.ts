/** Others who hold locks while a migration wants its own: what every production has and no rehearsal on a quiet clock. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { withClient } from '../database.ts';
import { quoteIdentifier } from '../sql.ts';
import type { ConnectionTarget } from '../server/server.ts';
import type { Adversary } from './record.ts';

/** What a kind of adversary does with its sessions. */
interface Occupation {
  /** COPY and VACUUM are about one table; a transaction is about all. */
  sessionPerTable: boolean;
  /** Begins; what goes on afterwards ends with the connection. */
  begin(client: Client, tables: readonly string[]): Promise<void>;
}

/** Every page costs the longest nap that there is, four times 100 ms (PostgreSQL documentation: "Cost-based Vacuum Delay"). */
const slowVacuum = ['vacuum_cost_delay = 100', 'vacuum_cost_limit = 1', 'vacuum_cost_page_hit = 10000'];

const occupations: Record<Adversary, Occupation> = {
  reader: {
    sessionPerTable: false,
    async begin(client, tables) {
      await client.query('BEGIN');
      for (const table of tables) await client.query(`SELECT FROM ${quoteIdentifier(table)} LIMIT 1`);
    },
  },
  writer: {
    sessionPerTable: false,
    async begin(client, tables) {
      await client.query('BEGIN');
      for (const table of tables) {
        await client.query(`SELECT FROM ${quoteIdentifier(table)} LIMIT 1 FOR UPDATE`);
        // Whoever has changed a row has this lock too, which CREATE INDEX waits for.
        await client.query(`LOCK TABLE ${quoteIdentifier(table)} IN ROW EXCLUSIVE MODE`);
      }
    },
  },
  copy: {
    sessionPerTable: true,
    async begin(client, [table]) {
      // Its rows never come; until then it has the lock of a writer and a snapshot. The end of the connection is its error.
      client.query(copyFrom(`COPY ${quoteIdentifier(table!)} FROM STDIN`)).on('error', () => {});
    },
  },
  autovacuum: {
    sessionPerTable: true,
    async begin(client, [table]) {
      for (const setting of slowVacuum) await client.query(`SET ${setting}`);
      void vacuumOnAndOn(client, table!).catch(() => {});
    },
  },
};

async function vacuumOnAndOn(client: Client, table: string): Promise<never> {
  for (;;) {
    await client.query(`VACUUM (DISABLE_PAGE_SKIPPING) ${quoteIdentifier(table)}`);
    await sleep(10);
  }
}

/** A VACUUM of a table without pages is over before anybody can see its lock. */
const longestStartMs = 1000;

/**
 * An adversary that holds locks on each of the tables for so long, or until it is disposed of: a `reader` has read a row in a
 * transaction that stays open; a `writer` has locked one and is idle in its transaction; a `copy` into the table goes on; an
 * `autovacuum` reads every page of it slowly and gives way to nobody, as one against wraparound does.
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
    const occupation = occupations[adversary];
    const { sessionPerTable } = occupation;
    const clients: Client[] = [];
    for (const own of sessionPerTable ? tables.map((table) => [table]) : [tables]) {
      const client = new Client({ ...connection, application_name: `adversary: ${adversary}` });
      client.on('error', () => {});
      await client.connect();
      clients.push(client);
      await occupation.begin(client, own);
    }
    if (sessionPerTable) await haveLocks(connection, clients.map(backendOf));
    const leave = new AbortController();
    const over = sleep(holdMs, undefined, { signal: leave.signal })
      .catch(() => {})
      .then(() => endAll(connection, clients));
    return new AdversarySession(leave, over);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave.abort();
    await this.#over;
  }
}

function backendOf(client: Client): number {
  return (client as unknown as { processID: number }).processID;
}

/** Waits until each of the sessions has a lock on a table. */
async function haveLocks(connection: ConnectionTarget, pids: readonly number[]): Promise<void> {
  await withClient(connection, async (client) => {
    const deadline = performance.now() + longestStartMs;
    while (performance.now() < deadline) {
      const { rows } = await client.query<{ count: number }>(
        `SELECT count(DISTINCT pid)::int AS count FROM pg_locks
          WHERE pid = ANY ($1) AND granted AND mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock')`,
        [pids],
      );
      if (rows[0]!.count === pids.length) return;
      await sleep(10);
    }
  });
}

/** A backend at work does not see that its client is gone, so it is ended by the server. */
async function endAll(connection: ConnectionTarget, clients: readonly Client[]): Promise<void> {
  await withClient(connection, (client) =>
    client.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [clients.map(backendOf)]),
  ).catch(() => {});
  await Promise.all(clients.map((client) => client.end().catch(() => {})));
}
