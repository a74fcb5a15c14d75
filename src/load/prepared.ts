/** One execution of a statement, named and prepared or not, on a `pg` client, with no more work than the protocol asks for. */
import pg, { types } from 'pg';
import type { CustomTypesConfig } from 'pg';
import type { Row } from '../scenario.ts';
import { monotonicClock } from './pacer.ts';

/** What a connection knows about one statement. */
export interface Statement {
  /** Name on the server; empty for a statement that is parsed whenever it is sent. */
  readonly name: string;
  readonly text: string;
  /** Columns of its rows once they were described; null when it returns none. */
  shape?: RowShape | null;
}

interface RowShape {
  names: string[];
  parsers: ((text: string) => unknown)[];
}

const int8 = 20;
const int8Array = 1016;

const defaultParserOf = types.getTypeParser as (oid: number) => (text: string) => unknown;

/** Integers of 64 bits come as numbers while they are exact, else as text as `pg` has them: counts are what people add up. */
function parseInt8(text: string): number | string {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
}

function parserOf(oid: number): (text: string) => unknown {
  const parse = defaultParserOf(oid);
  if (oid === int8) return parseInt8;
  if (oid === int8Array) return (text) => (parse(text) as (string | null)[]).map((item) => item && parseInt8(item));
  return parse;
}

/** Types as `pg` reads them, except that `int8` (and its arrays) become numbers where those are exact. */
export const loadTypes: CustomTypesConfig = { getTypeParser: parserOf as CustomTypesConfig['getTypeParser'] };

/** Notes when the answer to a transaction begins: the server sends its first bytes all at once, and each first message asks. */
export class AnswerWatch {
  /** In microseconds of the monotonic clock; 0 while nothing has come. */
  firstByteUs = 0;

  see(): void {
    if (this.firstByteUs === 0) this.firstByteUs = monotonicClock.nowUs();
  }
}

/** The part of `pg`'s connection that is used. */
interface Connection {
  readonly stream: { cork(): void; uncork(): void };
  /** Kept by `pg`: the text of each named statement whose parsing the server has confirmed. */
  readonly parsedStatements: Record<string, string>;
  parse(message: { name: string; text: string }): void;
  bind(message: { statement: string; values: readonly unknown[] }): void;
  describe(message: { type: 'P' }): void;
  execute(): void;
  sync(): void;
}

// Not in the type declarations: how `pg` itself turns JavaScript values into text or bytes.
const { prepareValue } = (pg as unknown as { utils: { prepareValue: (value: unknown) => unknown } }).utils;

/** SQLSTATE 25P02, in_failed_sql_transaction. */
function rolledBack(): Error {
  return Object.assign(new Error('the transaction was rolled back because one of its statements had failed'), {
    code: '25P02',
  });
}

/** `pg` notes the name of a query only, so a named BEGIN in front of one must have been parsed before. */
function parseUnlessKnown(connection: Connection, { name, text }: Statement): void {
  if (name === '' || connection.parsedStatements[name] === undefined) connection.parse({ name, text });
}

/**
 * A query in the sense of `pg` (its Submittable interface). Unlike `pg`'s own Query it asks for the description of the rows only
 * once per connection (PostgreSQL refuses to run a prepared statement whose row type has changed), emits no events, and can send
 * a BEGIN in front, in the same round trip. A statement without a name is parsed and described each time, in that round trip too.
 */
export class PreparedQuery {
  // Read by `pg`, which notes under this name that the server has parsed the text.
  readonly name: string;
  readonly text: string;
  readonly callback = undefined;
  readonly #statement: Statement;
  readonly #values: readonly unknown[];
  readonly #begin: Statement | undefined;
  readonly #answer: AnswerWatch;
  readonly #resolve: (rows: Row[]) => void;
  readonly #reject: (error: Error) => void;
  readonly #rows: Row[] = [];
  #beginPending: boolean;
  #failure: Error | undefined;

  constructor(
    statement: Statement,
    values: readonly unknown[],
    begin: Statement | undefined,
    answer: AnswerWatch,
    resolve: (rows: Row[]) => void,
    reject: (error: Error) => void,
  ) {
    this.name = statement.name;
    this.text = statement.text;
    this.#statement = statement;
    this.#values = values;
    this.#begin = begin;
    this.#answer = answer;
    this.#beginPending = begin !== undefined;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Writes the messages in one piece. Returns an error, as `pg` expects, when a value cannot be sent. */
  submit(target: unknown): Error | undefined {
    const connection = target as Connection;
    let values: unknown[];
    try {
      values = this.#values.map((value) => prepareValue(value));
    } catch (error) {
      return error as Error;
    }
    connection.stream.cork();
    if (this.#begin !== undefined) {
      parseUnlessKnown(connection, this.#begin);
      connection.bind({ statement: this.#begin.name, values: [] });
      connection.execute();
    }
    parseUnlessKnown(connection, this.#statement);
    connection.bind({ statement: this.name, values });
    if (this.name === '' || this.#statement.shape === undefined) connection.describe({ type: 'P' });
    connection.execute();
    connection.sync();
    connection.stream.uncork();
    return undefined;
  }

  handleRowDescription({ fields }: { fields: { name: string; dataTypeID: number }[] }): void {
    this.#answer.see();
    this.#statement.shape = {
      names: fields.map((field) => field.name),
      parsers: fields.map((field) => parserOf(field.dataTypeID)),
    };
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    this.#answer.see();
    const { names, parsers } = this.#statement.shape!;
    const row: Row = {};
    try {
      for (let column = 0; column < fields.length; column++) {
        const text = fields[column]!;
        row[names[column]!] = text === null ? null : parsers[column]!(text);
      }
    } catch (error) {
      this.#failure = error as Error;
    }
    this.#rows.push(row);
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#answer.see();
    if (this.#beginPending) {
      this.#beginPending = false;
      return;
    }
    this.#statement.shape ??= null;
    // PostgreSQL answers COMMIT so when a statement before it has failed and the transaction went on regardless.
    if (this.text === 'COMMIT' && text === 'ROLLBACK') this.#failure = rolledBack();
  }

  handleEmptyQuery(): void {
    this.#answer.see();
    this.#statement.shape ??= null;
  }

  handlePortalSuspended(): void {}

  handleCopyInResponse(connection: { sendCopyFail(message: string): void }): void {
    connection.sendCopyFail('COPY cannot be part of a load transaction');
  }

  handleCopyData(): void {}

  handleError(error: Error): void {
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    if (this.#failure === undefined) this.#resolve(this.#rows);
    else this.#reject(this.#failure);
  }
}
