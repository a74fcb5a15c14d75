/** Messages of the extended query protocol, written and read, and the session between them. */
import * as fc from 'fast-check';
import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { WireSession } from '../../src/load/wire/session.ts';
import type { Statement } from '../../src/load/wire/statement.ts';
import { MessageWriter, type WireValue } from '../../src/load/wire/writer.ts';

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const cstring = (text: string): Buffer => Buffer.from(`${text}\0`);

const message = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
};
const described = (...columns: [name: string, type: number][]): Buffer =>
  message(
    'T',
    int16(columns.length),
    ...columns.flatMap(([name, type]) => [
      cstring(name),
      int32(0),
      int16(0),
      int32(type),
      int16(-1),
      int32(-1),
      int16(0),
    ]),
  );
const dataRow = (...values: (string | null)[]): Buffer =>
  message(
    'D',
    int16(values.length),
    ...values.map((value) =>
      value === null ? int32(-1) : Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]),
    ),
  );
const complete = (tag: string): Buffer => message('C', cstring(tag));
const ready = message('Z', Buffer.from('I'));
const parsed = message('1');
const bound = message('2');
const failure = (fields: Record<string, string>): Buffer =>
  message('E', ...Object.entries(fields).map(([letter, text]) => cstring(letter + text)), Buffer.from([0]));

/** What the client's messages say: their types, and each body. */
function sentMessages(bytes: Buffer): { type: string; body: Buffer }[] {
  const all: { type: string; body: Buffer }[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    all.push({ type: String.fromCharCode(bytes[at]!), body: bytes.subarray(at + 5, end) });
    at = end;
  }
  return all;
}

const typesOf = (bytes: Buffer): string =>
  sentMessages(bytes)
    .map(({ type }) => type)
    .join('');

/** Formats and values of a Bind message (manual, "Message Formats"). */
function boundValues(body: Buffer): { portal: string; name: string; values: WireValue[]; results: number } {
  let at = 0;
  const text = (): string => {
    const end = body.indexOf(0, at);
    const found = body.toString('utf8', at, end);
    at = end + 1;
    return found;
  };
  const number = (): number => body.readInt16BE((at += 2) - 2);
  const [portal, name] = [text(), text()];
  const formats = Array.from({ length: number() }, number);
  const values = Array.from({ length: number() }, (_, turn): WireValue => {
    const length = body.readInt32BE((at += 4) - 4);
    if (length < 0) return null;
    const value = Buffer.from(body.subarray(at, (at += length)));
    return formats[turn] === 1 ? value : value.toString();
  });
  const results = number();
  expect(at).toBe(body.length);
  return { portal, name, values, results };
}

describe('MessageWriter', () => {
  const value = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ maxLength: 9000 }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.constant(null),
  );

  it('binds any values to a statement, one message behind the other', () => {
    const anyBind = fc.record({ name: fc.stringMatching(/^[a-zé.]{0,40}$/), values: fc.array(value) });
    fc.assert(
      fc.property(fc.array(anyBind, { minLength: 1, maxLength: 4 }), (binds) => {
        const writer = new MessageWriter();
        for (const { name, values } of binds) writer.bind(name, values);
        const sent = sentMessages(writer.take());
        expect(sent.map(({ body }) => boundValues(body))).toEqual(
          binds.map(({ name, values }) => ({ portal: '', name, values, results: 0 })),
        );
      }),
    );
  });

  it('parses statements of any length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 5000 }), (text) => {
        const statement = text.replaceAll('\0', '');
        const writer = new MessageWriter();
        writer.parse('name', statement);
        const [sent] = sentMessages(writer.take());
        expect(sent).toEqual({ type: 'P', body: Buffer.concat([cstring('name'), cstring(statement), int16(0)]) });
      }),
    );
  });

  it('leaves a piece alone that is still needed, and else writes over it', () => {
    const writer = new MessageWriter();
    writer.bind('first', ['a']);
    const first = writer.take();
    const copy = Buffer.from(first);
    writer.keep();
    writer.bind('other', ['b']);
    const other = writer.take();
    expect(first).toEqual(copy);
    writer.sync();
    writer.take();
    expect(sentMessages(other.subarray(0, 5))[0]!.type).toBe('S');
  });
});

/** A session with a server at its other end that says what the test says. */
function connected() {
  const sent: Buffer[] = [];
  const stream = {
    writableLength: 0,
    write: (bytes: Buffer) => void sent.push(Buffer.from(bytes)),
  };
  const session = new WireSession(stream);
  const say = (...messages: Buffer[]): void => {
    const bytes = Buffer.concat(messages);
    session.receive(bytes, bytes.length);
  };
  return { session, stream, sent, say };
}

const select: () => Statement = () => ({ name: 'select', text: 'SELECT $1' });

describe('WireSession', () => {
  it('parses and describes a named statement once', async () => {
    const { session, sent, say } = connected();
    const statement = select();
    const first = session.execute(statement, [1]);
    say(parsed, bound, described(['id', 23]), dataRow('7'), complete('SELECT 1'), ready);
    expect(await first).toEqual([{ id: 7 }]);
    const second = session.execute(statement, [2]);
    say(bound, dataRow('8'), dataRow(null), complete('SELECT 2'), ready);
    expect(await second).toEqual([{ id: 8 }, { id: null }]);
    expect(sent.map(typesOf)).toEqual(['PBDES', 'BES']);
  });

  it('describes what has no name each time, unless it returns no rows', async () => {
    const { session, sent, say } = connected();
    const rows: Statement = { name: '', text: 'SELECT 1' };
    const none: Statement = { name: '', text: 'DELETE FROM events' };
    for (const [statement, ...answer] of [
      [rows, described(['one', 23]), dataRow('1'), complete('SELECT 1')],
      [rows, described(['one', 20]), dataRow('2'), complete('SELECT 1')],
      [none, message('n'), complete('DELETE 0')],
      [none, complete('DELETE 0')],
    ] as const) {
      const done = session.execute(statement);
      say(parsed, bound, ...answer, ready);
      await done;
    }
    expect(sent.map(typesOf)).toEqual(['PBDES', 'PBDES', 'PBDES', 'PBES']);
  });

  it('sends a BEGIN in front and tells the rows of the statement behind', async () => {
    const { session, sent, say } = connected();
    const begin: Statement = { name: 'begin', text: 'BEGIN', parsed: true, shape: null };
    const rows = session.execute(select(), [1], begin);
    say(bound, complete('BEGIN'), parsed, bound, described(['n', 23]), dataRow('3'), complete('SELECT 1'), ready);
    expect(await rows).toEqual([{ n: 3 }]);
    expect(sent.map(typesOf)).toEqual(['BEPBDES']);
  });

  it('sends one statement after the other', async () => {
    const { session, sent, say } = connected();
    const both = Promise.all([session.execute(select(), ['a']), session.execute(select(), ['b'])]);
    expect(sent).toHaveLength(1);
    say(parsed, bound, described(['v', 25]), dataRow('a'), complete('SELECT 1'));
    expect(sent).toHaveLength(1);
    say(ready);
    expect(sent).toHaveLength(2);
    say(parsed, bound, described(['v', 25]), dataRow('b'), complete('SELECT 1'), ready);
    expect(await both).toEqual([[{ v: 'a' }], [{ v: 'b' }]]);
    expect(session.isBusy).toBe(false);
  });

  it("tells the server's error with its fields at once, and goes on when the server is ready", async () => {
    const { session, sent, say } = connected();
    const failed = session.execute(select(), [1]);
    const next = session.execute(select(), [2]);
    say(
      failure({ S: 'ERROR', C: '23505', M: 'taken', D: 'Key (id)=(1)', n: 'orders_pkey', t: 'orders', X: 'unknown' }),
    );
    const error: unknown = await failed.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DatabaseError);
    expect(error).toMatchObject({
      message: 'taken',
      severity: 'ERROR',
      code: '23505',
      detail: 'Key (id)=(1)',
      constraint: 'orders_pkey',
      table: 'orders',
    });
    expect(sent).toHaveLength(1);
    say(ready, message('N', cstring('CM')), bound, described(['v', 23]), dataRow('2'), complete('SELECT 1'), ready);
    expect(await next).toEqual([{ v: 2 }]);
  });

  it('takes a COMMIT that was answered by ROLLBACK for a failure', async () => {
    const { session, say } = connected();
    const commit: Statement = { name: 'commit', text: 'COMMIT', parsed: true, shape: null };
    const committed = session.execute(commit);
    say(bound, complete('ROLLBACK'), ready);
    await expect(committed).rejects.toMatchObject({ code: '25P02' });
    const again = session.execute(commit);
    say(bound, complete('COMMIT'), ready);
    expect(await again).toEqual([]);
  });

  it('fails all that is asked of a lost connection, with the first reason', async () => {
    const { session } = connected();
    const asked = [session.execute(select(), [1]), session.execute(select(), [2])];
    session.lose(new Error('gone'));
    session.lose(new Error('closed'));
    asked.push(session.execute(select(), [3]));
    const reasons = await Promise.allSettled(asked);
    expect(reasons).toEqual(asked.map(() => ({ status: 'rejected', reason: new Error('gone') })));
  });

  it('refuses what cannot be sent, and sends what is asked then', async () => {
    const { session, sent, say } = connected();
    const circular: unknown[] = [];
    const looped: Record<string, unknown> = { circular };
    looped.self = looped;
    await expect(session.execute(select(), [looped])).rejects.toThrow(/circular/i);
    expect(sent).toHaveLength(0);
    const rows = session.execute(select(), [1]);
    say(parsed, bound, described(['v', 23]), dataRow('1'), complete('SELECT 1'), ready);
    expect(await rows).toEqual([{ v: 1 }]);
  });

  it('notes when the first answer begins, and no later one', async () => {
    const { session, say } = connected();
    const rows = session.execute(select(), [1]);
    expect(session.firstByteUs).toBe(0);
    say(parsed);
    const { firstByteUs } = session;
    expect(firstByteUs).toBeGreaterThan(0);
    say(bound, described(['v', 23]), complete('SELECT 0'), ready);
    await rows;
    expect(session.firstByteUs).toBe(firstByteUs);
  });

  it('gives the stream bytes that stay as they are while it holds them', async () => {
    const held: Buffer[] = [];
    const stream = { writableLength: 1, write: (bytes: Buffer) => void held.push(bytes) };
    const session = new WireSession(stream);
    const answer = Buffer.concat([bound, complete('SELECT 0'), ready]);
    const statement: Statement = { name: 'held', text: '', parsed: true, shape: null };
    for (const value of ['first', 'second']) {
      const done = session.execute(statement, [value]);
      session.receive(answer, answer.length);
      await done;
    }
    expect(held.map((bytes) => boundValues(sentMessages(bytes)[0]!.body).values)).toEqual([['first'], ['second']]);
  });

  it('reads values of all lengths, whatever pieces they come in', async () => {
    const columns: [string, number][] = [
      ['small', 21],
      ['whole', 23],
      ['large', 20],
      ['flag', 16],
      ['words', 25],
      ['list', 1016],
    ];
    const row = fc.record({
      small: fc.integer({ min: -32_768, max: 32_767 }),
      whole: fc.integer(),
      large: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      flag: fc.boolean(),
      words: fc.option(fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 3000, maxLength: 9000 }))),
      list: fc.array(fc.maxSafeInteger()),
    });
    const anyPieces = fc.array(fc.integer({ min: 1, max: 7000 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(row), anyPieces, async (rows, pieces) => {
        const { session } = connected();
        const found = session.execute(select(), [1]);
        const lines = rows.map(({ small, whole, large, flag, words, list }) =>
          dataRow(`${small}`, `${whole}`, `${large}`, flag ? 't' : 'f', words, `{${list.join(',')}}`),
        );
        const bytes = Buffer.concat([parsed, bound, described(...columns), ...lines, complete('SELECT'), ready]);
        const reused = Buffer.alloc(7000);
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const length = Math.min(pieces[turn % pieces.length]!, bytes.length - at);
          bytes.copy(reused, 0, at, at + length);
          session.receive(reused, length);
          reused.fill(0xff);
          at += length;
        }
        expect(await found).toEqual(
          rows.map(({ large, ...others }) => ({
            ...others,
            large: Number.isSafeInteger(Number(large)) ? Number(large) : `${large}`,
          })),
        );
      }),
    );
  });
});
