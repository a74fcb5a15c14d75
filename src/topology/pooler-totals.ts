/** What PgBouncer counts of its transactions and of their waiting (its manual, SHOW STATS_TOTALS). */
import { withClient } from '../database.ts';
import type { DatabaseRoute } from '../load/route.ts';
import type { ConnectionTarget } from '../server/server.ts';
import type { PoolerFigures } from './record.ts';

interface Totals {
  transactions: number;
  waitUs: number;
}

/** The name of PgBouncer's console among its databases. */
const consoleName = 'pgbouncer';

export class PoolerTotals {
  readonly #console: ConnectionTarget;
  readonly #from: Totals;

  private constructor(target: ConnectionTarget, from: Totals) {
    this.#console = target;
    this.#from = from;
  }

  /** What it has counted so far; undefined where the transactions go to the server itself. */
  static async read({ connection, direct }: DatabaseRoute): Promise<PoolerTotals | undefined> {
    if (direct === undefined) return undefined;
    const target = { ...connection, database: consoleName };
    return new PoolerTotals(target, await totalsOf(target));
  }

  async since(): Promise<{ pooler: PoolerFigures }> {
    const now = await totalsOf(this.#console);
    const transactions = now.transactions - this.#from.transactions;
    const waitUs = now.waitUs - this.#from.waitUs;
    return { pooler: { transactions, meanWaitUs: transactions === 0 ? 0 : waitUs / transactions } };
  }
}

async function totalsOf(target: ConnectionTarget): Promise<Totals> {
  return withClient(target, async (client) => {
    // The console knows the simple protocol only.
    const { rows } = await client.query<{ database: string; xact_count: string; wait_time: string }>(
      'SHOW STATS_TOTALS',
    );
    const served = rows.filter(({ database }) => database !== consoleName);
    return {
      transactions: served.reduce((sum, row) => sum + Number(row.xact_count), 0),
      waitUs: served.reduce((sum, row) => sum + Number(row.wait_time), 0),
    };
  });
}
