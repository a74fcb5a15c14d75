/** Observes a server while a stage is under load: counters before and after, waits in between. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { PlannedTransaction } from '../load/client.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { readBloat, type Bloat } from './bloat.ts';
import { readIndexes, readTables } from './catalogue.ts';
import { costsByTransaction } from './costs.ts';
import { differences, gapsOf, readCounters, type CounterRow, type Snapshot } from './counters.ts';
import { priceIndexes } from './index-prices.ts';
import { measurePlans, type MeasureOrder } from './measured-plans.ts';
import type { BlockedShare, IndexUse, StageEvidence, StatementSteps, StatementWork, TableAccess } from './record.ts';
import { actorIo, databaseActivity, indexUse, tableAccess, walActivity } from './schema.ts';
import { readWork, recogniseStatements, replan, resetWork, type RecognisedStatement } from './statements.ts';
import { WaitProfile, type Blocking } from './wait-profile.ts';

/** Backends write their counts into shared memory once a second at most, when idle (PGSTAT_MIN_INTERVAL): this is a little more. */
const flushMs = 1200;

/** What is carried out once more when the load is over. */
export interface Again {
  order: Omit<MeasureOrder, 'connection'>;
  /** Of the first stage: what the others cost the writers is found out. Default: nothing is. */
  knownIndexes?: ReadonlySet<string>;
}

/** One stage; disposing closes the connection. */
export class Observation implements AsyncDisposable {
  readonly #connection: ConnectionTarget;
  readonly #client: Client;
  readonly #major: number;
  readonly #before: Snapshot;
  readonly #waits: WaitProfile;
  #lost = false;

  private constructor(connection: ConnectionTarget, client: Client, major: number, before: Snapshot) {
    this.#connection = connection;
    this.#client = client;
    this.#major = major;
    this.#before = before;
    this.#waits = new WaitProfile(client);
    client.once('end', () => (this.#lost = true));
  }

  /** The server closed the connection, as in a restart: what it counts since cannot be told from what it counted before. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** Takes the first snapshot and begins to look at waits. @throws what `pg` throws */
  static async start(connection: ConnectionTarget, major: number): Promise<Observation> {
    await resetWork(connection);
    const client = new Client({ ...connection, application_name: 'pgrehearse observer' });
    // A connection that breaks while idle must not end the process; the next query tells.
    client.on('error', () => {});
    await client.connect();
    return new Observation(connection, client, major, await readCounters(client, major));
  }

  /**
   * What was counted since the start. The load's connections must be closed.
   *
   * @param transactions of the load, as the stage carries them out
   * @param runs of each that came to their end
   * @param again what is to be carried out once more, for plans and prices
   * @throws what `pg` throws
   */
  async finish(
    stage: string,
    transactions: readonly PlannedTransaction[],
    runs: ReadonlyMap<string, number>,
    again?: Again,
  ): Promise<StageEvidence> {
    const { waits, blockings, activities } = await this.#waits.stop();
    await sleep(flushMs);
    const after = await readCounters(this.#client, this.#major);
    const changed = (name: Parameters<typeof differences>[2]): CounterRow[] => differences(this.#before, after, name);
    const io = changed('io').filter((row) => Number(row['reads']) + Number(row['writes']) + Number(row['extends']) > 0);
    const counted = await readWork(this.#connection);
    const statements = await recogniseStatements(this.#connection, transactions);
    const bloat = await readBloat(this.#client);
    const indexes = await this.#indexes(changed('indexes'), bloat);
    return {
      stage,
      ...(counted === undefined ? {} : { costs: costsByTransaction(runs, statements, counted) }),
      plans: statements.map((known) => planOf(known, counted)),
      tables: await this.#tables(changed('tables'), bloat),
      indexes,
      waits,
      blocked: namedBlockings(blockings, statements),
      activities,
      database: databaseActivity.parse(changed('database')[0]),
      wal: walActivity.parse(changed('wal')[0]),
      ...(io.length === 0 ? {} : { io: io.map((row) => actorIo.parse(Object.assign({ actor: row.key }, row))) }),
      gaps: [
        ...gapsOf(this.#major),
        ...(bloat === undefined ? ['free space in tables and indexes (extension pgstattuple)'] : []),
      ],
      ...(again && (await this.#carryOutAgain(again, indexes))),
      // Last: it changes what the tables tell of themselves.
      ...(await this.#flips(transactions, statements)),
    };
  }

  async #carryOutAgain(
    { order, knownIndexes }: Again,
    indexes: readonly IndexUse[],
  ): Promise<Pick<StageEvidence, 'measured' | 'indexPrices'>> {
    const whole = { connection: this.#connection, ...order };
    const measured = await measurePlans(whole);
    if (knownIndexes === undefined) return { measured };
    const added = indexes.map(({ index }) => index).filter((index) => !knownIndexes.has(index));
    const indexPrices = await priceIndexes(whole, added);
    return { measured, ...(indexPrices.length === 0 ? {} : { indexPrices }) };
  }

  async #flips(
    transactions: readonly PlannedTransaction[],
    statements: readonly RecognisedStatement[],
  ): Promise<Pick<StageEvidence, 'flipped'>> {
    const again = await replan(this.#connection, transactions);
    if (again === undefined) return {};
    const shapes = new Map(
      statements.map(({ transaction, statement, shape }) => [`${transaction}.${statement}`, shape]),
    );
    const other = again.filter(
      ({ transaction, statement, shape }) => shapes.get(`${transaction}.${statement}`) !== shape,
    );
    return { flipped: other.map((known) => planOf(known)) };
  }

  async #tables(changed: readonly CounterRow[], bloat: Bloat | undefined): Promise<TableAccess[]> {
    const counters = new Map(changed.map((row) => [row.key, row]));
    const facts = await readTables(this.#client);
    return facts.map((fact) =>
      tableAccess.parse(Object.assign({}, counters.get(fact.key), fact, bloat?.tables.get(fact.key))),
    );
  }

  async #indexes(changed: readonly CounterRow[], bloat: Bloat | undefined): Promise<IndexUse[]> {
    const counters = new Map(changed.map((row) => [row.key, row]));
    const facts = await readIndexes(this.#client);
    return facts.map(({ coveredBy, ...fact }) => {
      const leafDensity = bloat?.leafDensities.get(fact.key);
      const known = {
        ...(coveredBy === null ? {} : { coveredBy }),
        ...(leafDensity === undefined ? {} : { leafDensity }),
      };
      return indexUse.parse(Object.assign({}, counters.get(fact.key), fact, known));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#waits.stop();
    await this.#client.end().catch(() => {});
  }
}

/** Identifiers of statements in the words of the load; what it does not send itself is told as it is. */
function namedBlockings(blockings: readonly Blocking[], statements: readonly RecognisedStatement[]): BlockedShare[] {
  const names = new Map(
    statements.map(({ queryId, transaction, statement }) => [queryId, `${transaction}.${statement}`]),
  );
  const nameOf = (id: string): string => names.get(id) ?? (/^-?\d+$/.test(id) ? 'another statement' : id);
  return blockings.map(({ blocked, blocker, seen }) => ({ blocked: nameOf(blocked), blocker: nameOf(blocker), seen }));
}

function planOf(
  { transaction, statement, steps, queryId }: RecognisedStatement,
  counters?: ReadonlyMap<string, StatementWork>,
): StatementSteps {
  const work = counters?.get(queryId);
  if (work === undefined) return { transaction, statement, steps };
  const { calls, rows, executionMs } = work;
  return { transaction, statement, steps, counted: { calls, rows, executionMs } };
}
