/** Connections of the load generator: a fixed set, each with its statements, restored when lost. */
import type { PlanChoice } from '../observe/record.ts';
import { isolationLevels } from '../scenario.ts';
import type { IsolationLevel, Row, TransactionBody, TransactionClient } from '../scenario.ts';
import type { ConnectionTarget } from '../server/server.ts';
import { openWire, type WireConnection } from './wire/connect.ts';
import type { WireSession } from './wire/session.ts';
import type { Statement } from './wire/statement.ts';

/** A transaction as one stage carries it out. */
export interface PlannedTransaction {
  name: string;
  body: TransactionBody;
  /** A replica carries it out. */
  onReplica?: true;
}

export interface ConnectionSettings {
  target: ConnectionTarget;
  /** The server itself, where `target` is a pooler in front of it. */
  server?: ConnectionTarget | undefined;
  statementTimeoutMs: number;
  /** For opening a connection. Default: the statement timeout, and a second at least. */
  connectionTimeoutMs?: number | undefined;
  /** False: statements have no names, and nothing on the server outlives a transaction. Default true. */
  prepared?: boolean;
  /** By number, as in the schedule. */
  transactions: readonly PlannedTransaction[];
}

/** SQLSTATE for a connection that broke without a word from the server. */
const connectionFailure = '08006';

/** The SQLSTATE of a database error, the driver's code (ECONNRESET, ...) or, for other errors, their name. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && code !== '') return code;
  return /connection (terminated|error)/i.test(error.message) ? connectionFailure : error.name;
}

const longestName = 63;

/** How the load's sessions are known on the server. */
export const applicationName = 'pgrehearse load';

/** One connection. It is opened before the block; if it is lost, the next transaction that gets it opens it again. */
export class LoadConnection {
  readonly #settings: ConnectionSettings;
  #wire: WireConnection | undefined;
  #runners: TransactionRunner[] = [];

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  get isOpen(): boolean {
    return this.#wire?.isOpen === true;
  }

  /** Itself: without a replica a place in the pool is one connection. */
  get sessions(): readonly LoadConnection[] {
    return [this];
  }

  /** Where its backends work. */
  get server(): ConnectionTarget {
    return this.#settings.server ?? this.#settings.target;
  }

  /** Its transactions may each be carried out by another backend. */
  get isPooled(): boolean {
    return this.#settings.server !== undefined;
  }

  /** Process id of its backend, while it is open; behind a pooler the pooler's own number for the client. */
  get backendPid(): number | undefined {
    return this.#wire?.backendPid;
  }

  /** When the answer to the latest transaction began, in microseconds of the monotonic clock; 0 if it did not. */
  get firstByteUs(): number {
    return this.#wire?.session.firstByteUs ?? 0;
  }

  /** @throws what `pg` throws when the server cannot be reached or refuses */
  async open(): Promise<void> {
    const { target, statementTimeoutMs, prepared = true, transactions } = this.#settings;
    const { connectionTimeoutMs = Math.max(statementTimeoutMs, 1000) } = this.#settings;
    const wire = await openWire({
      ...target,
      application_name: applicationName,
      statement_timeout: statementTimeoutMs,
      connectionTimeoutMillis: connectionTimeoutMs,
    });
    const control = controlStatements(prepared);
    const atomic = transactions.filter(({ body }) => body.atomic === true);
    const begins = new Set(atomic.map(({ body }) => control.begin(body)));
    if (prepared && begins.size > 0) await prepareTransactionControl(wire, control, [...begins]);
    this.#runners = transactions.map(
      ({ name, body }, number) =>
        new TransactionRunner(wire.session, body, control, statementsOf(name, body, prepared ? number : undefined)),
    );
    this.#wire = wire;
  }

  /**
   * Carries out one transaction once and returns its answer.
   *
   * @param transaction its number
   * @throws whatever the transaction throws; an atomic one has been rolled back by then
   */
  run(transaction: number, params: unknown): Promise<unknown> {
    const runner = this.#runners[transaction];
    if (this.#wire?.isOpen !== true || runner === undefined) {
      return Promise.reject(new Error('Connection terminated: the connection was lost.'));
    }
    this.#wire.session.firstByteUs = 0;
    return runner.run(params);
  }

  /**
   * How the server has planned each named statement since the connection was opened. Nothing of a pooler: nobody knows whose session
   * answers.
   *
   * @throws what `pg` throws
   */
  async planChoices(): Promise<PlanChoice[]> {
    if (this.#wire?.isOpen !== true || this.isPooled) return [];
    const rows = (await this.#wire.session.execute({
      name: '',
      text: 'SELECT name, custom_plans AS custom, generic_plans AS generic FROM pg_prepared_statements',
    })) as { name: string; custom: number; generic: number }[];
    const counted = new Map(rows.map(({ name, ...plans }) => [name, plans]));
    return this.#settings.transactions.flatMap(({ name, body }, number) =>
      [...statementsOf(name, body, number)].flatMap(([statement, { name: prepared }]) => {
        const plans = counted.get(prepared);
        return plans === undefined ? [] : [{ transaction: name, statement, ...plans }];
      }),
    );
  }

  async close(): Promise<void> {
    const wire = this.#wire;
    this.#wire = undefined;
    await wire?.close();
  }
}

/** What stands around the statements of atomic transactions. */
interface TransactionControl {
  begin(body: TransactionBody): Statement;
  commit: Statement;
  rollback: Statement;
}

function controlStatements(prepared: boolean): TransactionControl {
  const statement = (name: string, text: string): Statement => ({
    name: prepared ? `pgr.${name}` : '',
    text,
    shape: null,
  });
  const begin = statement('begin', 'BEGIN');
  const beginAt = Object.fromEntries(
    isolationLevels.map((level) => [
      level,
      statement(`begin.${level}`, `BEGIN ISOLATION LEVEL ${level.toUpperCase()}`),
    ]),
  ) as Record<IsolationLevel, Statement>;
  return {
    begin: ({ isolation }) => (isolation === undefined ? begin : beginAt[isolation]),
    commit: statement('commit', 'COMMIT'),
    rollback: statement('rollback', 'ROLLBACK'),
  };
}

/** Parsed when the connection is opened, so that BEGIN needs no round trip of its own and COMMIT no parsing. */
async function prepareTransactionControl(
  wire: WireConnection,
  { commit, rollback }: TransactionControl,
  begins: readonly Statement[],
): Promise<void> {
  const { session } = wire;
  try {
    for (const statement of begins.flatMap((begin) => [begin, commit])) await session.execute(statement);
    for (const statement of [begins[0]!, rollback]) await session.execute(statement);
  } catch (error) {
    await wire.close();
    throw error;
  }
}

/** The statements of a transaction by the names that its body has for them; without a number they have none on the server. */
function statementsOf(name: string, { statements }: TransactionBody, number?: number): Map<string, Statement> {
  return new Map(
    Object.entries(statements).map(([key, text], turn) => [
      key,
      // The numbers keep names apart that are too long for the server.
      { name: number === undefined ? '' : `${number}.${turn}.${name}.${key}`.slice(0, longestName), text },
    ]),
  );
}

/** A transaction on a connection, with its statements. */
class TransactionRunner implements TransactionClient {
  readonly #session: WireSession;
  readonly #body: TransactionBody;
  readonly #control: TransactionControl;
  readonly #statements: ReadonlyMap<string, Statement>;
  /** BEGIN is still to be sent, in front of the first statement. */
  #beginDue = false;

  constructor(
    session: WireSession,
    body: TransactionBody,
    control: TransactionControl,
    statements: ReadonlyMap<string, Statement>,
  ) {
    this.#session = session;
    this.#body = body;
    this.#control = control;
    this.#statements = statements;
  }

  query<R extends Row>(statement: string, values: readonly unknown[] = []): Promise<R[]> {
    const known = this.#statements.get(statement);
    if (known === undefined) return Promise.reject(new ReferenceError(`Statement ${statement} is not declared.`));
    const begin = this.#beginDue ? this.#control.begin(this.#body) : undefined;
    this.#beginDue = false;
    return this.#session.execute(known, values, begin) as Promise<R[]>;
  }

  run(params: unknown): Promise<unknown> {
    return this.#body.atomic === true ? this.#runAtomic(params) : this.#body.run(this, params);
  }

  async #runAtomic(params: unknown): Promise<unknown> {
    this.#beginDue = true;
    try {
      const answer = await this.#body.run(this, params);
      if (!this.#beginDue) await this.#session.execute(this.#control.commit);
      return answer;
    } catch (error) {
      // A lost connection has rolled back by itself; the first error is the one to tell.
      if (!this.#beginDue) await this.#session.execute(this.#control.rollback).catch(() => {});
      throw error;
    }
  }
}
