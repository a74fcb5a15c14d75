/** Statements on one connection, in the extended query protocol and with no more work than it asks for. */
import pg from 'pg';
import { monotonicClock } from '../pacer.ts';
import type { Row } from '../../scenario.ts';
import { databaseError, MessageReader } from './reader.ts';
import { RowShape, type Statement } from './statement.ts';
import { MessageWriter, type WireValue } from './writer.ts';

/** What a session writes to. */
export interface WireStream {
  write(bytes: Buffer): unknown;
  /** Bytes that it holds because the system has not taken them yet. */
  readonly writableLength: number;
}

// Not in the type declarations: how `pg` itself turns JavaScript values into text or bytes.
const { prepareValue } = (pg as unknown as { utils: { prepareValue: (value: unknown) => WireValue } }).utils;

/** Types of the server's messages that matter here. */
const message = {
  parseComplete: 0x31,
  commandComplete: 0x43,
  dataRow: 0x44,
  errorResponse: 0x45,
  copyInResponse: 0x47,
  emptyQuery: 0x49,
  rowDescription: 0x54,
  readyForQuery: 0x5a,
};

/** An execution of a statement. */
interface Execution {
  statement: Statement;
  values: readonly WireValue[];
  /** Sent in front, in the same round trip. */
  begin: Statement | undefined;
  rows: Row[];
  failure: Error | undefined;
  readonly resolve: (rows: Row[]) => void;
  readonly reject: (error: Error) => void;
}

/** SQLSTATE 25P02, in_failed_sql_transaction. */
function rolledBack(): Error {
  return Object.assign(new Error('the transaction was rolled back because one of its statements had failed'), {
    code: '25P02',
  });
}

/**
 * The client's side of a connection on which start-up and authentication are over. One statement is under way at a time, further ones
 * wait. It asks for the description of the rows of a named statement only once (PostgreSQL refuses to run a prepared statement whose row type
 * has changed), writes all messages of an execution in one piece, and can send a BEGIN in front. A statement without a name is parsed and
 * described each time, in that round trip too.
 */
export class WireSession {
  readonly #stream: WireStream;
  readonly #writer = new MessageWriter();
  readonly #reader = new MessageReader((type, bytes, from, to) => this.#message(type, bytes, from, to));
  readonly #waiting: Execution[] = [];
  #current: Execution | undefined;
  /** The answer to the BEGIN in front is still to come. */
  #beginPending = false;
  #lost: Error | undefined;
  /** When the first answer since it was set to 0 began to come, in microseconds of the monotonic clock; 0 while nothing has. */
  firstByteUs = 0;

  constructor(stream: WireStream) {
    this.#stream = stream;
  }

  get isBusy(): boolean {
    return this.#current !== undefined;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /**
   * Carries out a statement.
   *
   * @param begin a statement without parameters and rows to send in front; a named one has been parsed before
   * @throws DatabaseError of `pg` with the server's answer, Error when the connection is lost, and what `pg` throws at a value that cannot
   *   be sent
   */
  execute(statement: Statement, values: readonly unknown[] = [], begin?: Statement): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost);
        return;
      }
      const sent = values.map((value) => prepareValue(value));
      const execution: Execution = { statement, values: sent, begin, rows: [], failure: undefined, resolve, reject };
      if (this.#current === undefined) this.#send(execution);
      else this.#waiting.push(execution);
    });
  }

  /** Takes what came from the server: the first `length` bytes, which may be written over when it returns. */
  receive(bytes: Buffer, length: number): void {
    if (this.firstByteUs === 0) this.firstByteUs = monotonicClock.nowUs();
    this.#reader.read(bytes, length);
  }

  /** The connection is lost: what is under way fails, and whatever is asked later. */
  lose(error: Error): void {
    this.#lost ??= error;
    const left = this.#current === undefined ? [] : [this.#current, ...this.#waiting.splice(0)];
    this.#current = undefined;
    for (const { reject } of left) reject(this.#lost);
  }

  #send(execution: Execution): void {
    this.#current = execution;
    const { statement, values, begin } = execution;
    this.#beginPending = begin !== undefined;
    if (begin !== undefined) this.#writeExecution(begin, []);
    this.#writeExecution(statement, values);
    this.#writer.sync();
    this.#flush();
  }

  #writeExecution(statement: Statement, values: readonly WireValue[]): void {
    const { name, text, shape } = statement;
    if (statement.parsed !== true) this.#writer.parse(name, text);
    this.#writer.bind(name, values);
    // Without a name each time, if there are rows at all.
    if (shape === undefined || (shape !== null && name === '')) this.#writer.describe();
    this.#writer.execute();
  }

  #flush(): void {
    this.#stream.write(this.#writer.take());
    if (this.#stream.writableLength > 0) this.#writer.keep();
  }

  #message(type: number, bytes: Buffer, from: number, to: number): void {
    const execution = this.#current;
    // Notices and changed settings come at any time; an error without a statement comes before the end of the connection, which is told.
    if (execution === undefined) return;
    switch (type) {
      case message.dataRow:
        readRow(execution, bytes, from);
        return;
      case message.commandComplete:
        this.#commandComplete(execution, bytes, from, to);
        return;
      case message.readyForQuery:
        this.#ready(execution);
        return;
      case message.parseComplete:
        if (execution.statement.name !== '') execution.statement.parsed = true;
        return;
      case message.rowDescription:
        execution.statement.shape = new RowShape(bytes, from);
        return;
      case message.emptyQuery:
        execution.statement.shape ??= null;
        return;
      case message.errorResponse:
        this.#failed(execution, databaseError(bytes, from, to));
        return;
      case message.copyInResponse:
        // The server has thrown away the Sync behind the statement: while it waits for data there are none.
        this.#writer.copyFail('COPY cannot be part of a load transaction');
        this.#writer.sync();
        this.#flush();
        return;
      default:
    }
  }

  #commandComplete(execution: Execution, bytes: Buffer, from: number, to: number): void {
    if (this.#beginPending) {
      this.#beginPending = false;
      return;
    }
    const { statement } = execution;
    statement.shape ??= null;
    // PostgreSQL answers COMMIT so when a statement before it has failed and the transaction went on regardless.
    if (statement.text === 'COMMIT' && bytes.toString('latin1', from, to - 1) === 'ROLLBACK') {
      execution.failure ??= rolledBack();
    }
  }

  /** Told at once; the next statement waits for the server to be ready. */
  #failed(execution: Execution, error: Error): void {
    execution.failure ??= error;
    execution.reject(execution.failure);
  }

  #ready({ failure, rows, resolve, reject }: Execution): void {
    this.#current = undefined;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#send(next);
    if (failure === undefined) resolve(rows);
    else reject(failure);
  }
}

function readRow(execution: Execution, bytes: Buffer, from: number): void {
  try {
    execution.rows.push(execution.statement.shape!.read(bytes, from));
  } catch (error) {
    execution.failure ??= error as Error;
  }
}
