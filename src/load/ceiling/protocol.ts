/**
 * As much of a PostgreSQL server as a client needs that measures itself: it answers every query with one row and does nothing.
 *
 * Messages of protocol 3.0 (PostgreSQL manual, "Frontend/Backend Protocol"): start-up without password, parse, bind, describe,
 * execute, close, sync, simple query, terminate.
 */

const protocolVersion = 196_608;
const cancelRequest = 80_877_102;

function message(type: string, ...parts: (Buffer | string | number)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(`${part}\0`);
      return typeof part === 'number' ? int32(part) : part;
    }),
  );
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

const int4 = { oid: 23, bytes: 4 };
const readyForQuery = message('Z', Buffer.from('I'));
const parseComplete = message('1');
const bindComplete = message('2');
const closeComplete = message('3');
const noData = message('n');
const parameterDescription = message('t', int16(0));
const rowDescription = message('T', int16(1), 'answer', 0, int16(0), int4.oid, int16(int4.bytes), -1, int16(0));
const row = Buffer.concat([message('D', int16(1), int32(1), Buffer.from('1')), message('C', 'SELECT 1')]);
const greeting = Buffer.concat([
  message('R', 0),
  message('S', 'server_version', '18.0'),
  message('S', 'client_encoding', 'UTF8'),
  message('K', 1, 1),
  readyForQuery,
]);

/** What a statement answers: one row for a query, its first word for a command. */
function answerTo(text: string): { description: Buffer; execution: Buffer } {
  const word = /^\s*(\w*)/.exec(text)![1]!.toUpperCase();
  if (word === 'SELECT') return { description: rowDescription, execution: row };
  return { description: noData, execution: message('C', word) };
}

type Answer = ReturnType<typeof answerTo>;

/** The server's side of one connection. */
export class NoopSession {
  readonly #statements = new Map<string, Answer>();
  #bound: Answer = answerTo('');
  #rest: Buffer = Buffer.alloc(0);
  #isStarted = false;
  /** The client has said goodbye, or what no client of ours says. */
  isOver = false;

  /** Takes what has come in and returns what is to be sent. */
  receive(chunk: Buffer): Buffer[] {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const replies: Buffer[] = [];
    let at = 0;
    for (;;) {
      // The first message has no type.
      const header = this.#isStarted ? 1 : 0;
      if (this.isOver || data.length < at + header + 4) break;
      const end = at + header + data.readInt32BE(at + header);
      if (data.length < end) break;
      if (this.#isStarted) this.#answer(data[at]!, data.subarray(at + 5, end), replies);
      else replies.push(this.#start(data.readInt32BE(at + 4)));
      at = end;
    }
    this.#rest = data.subarray(at);
    return replies;
  }

  #start(version: number): Buffer {
    this.isOver = version === cancelRequest;
    this.#isStarted = version === protocolVersion;
    // Neither TLS nor GSS encryption.
    return this.#isStarted ? greeting : Buffer.from('N');
  }

  #answer(type: number, body: Buffer, replies: Buffer[]): void {
    switch (String.fromCharCode(type)) {
      case 'P':
        this.#parse(body);
        replies.push(parseComplete);
        break;
      case 'B':
        this.#bind(body);
        replies.push(bindComplete);
        break;
      case 'D':
        if (body[0] === 0x53) replies.push(parameterDescription);
        replies.push(this.#bound.description);
        break;
      case 'E':
        replies.push(this.#bound.execution);
        break;
      case 'C':
        replies.push(closeComplete);
        break;
      case 'S':
        replies.push(readyForQuery);
        break;
      case 'Q':
        replies.push(...simpleAnswer(body), readyForQuery);
        break;
      case 'H':
        break;
      default:
        this.isOver = true;
    }
  }

  #parse(body: Buffer): void {
    const nameEnd = body.indexOf(0);
    const text = body.toString('utf8', nameEnd + 1, body.indexOf(0, nameEnd + 1));
    this.#bound = answerTo(text);
    this.#statements.set(body.toString('utf8', 0, nameEnd), this.#bound);
  }

  /** Portal, then statement: portals have no names here. */
  #bind(body: Buffer): void {
    const portalEnd = body.indexOf(0);
    const name = body.toString('latin1', portalEnd + 1, body.indexOf(0, portalEnd + 1));
    this.#bound = this.#statements.get(name) ?? this.#bound;
  }
}

function simpleAnswer(body: Buffer): Buffer[] {
  const { description, execution } = answerTo(body.toString('utf8', 0, body.length - 1));
  return description === noData ? [execution] : [description, execution];
}
