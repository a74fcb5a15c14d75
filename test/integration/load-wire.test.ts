/** One connection of the load on a real server: what goes over it, and what ends it. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWire, type WireConnection } from '../../src/load/wire/connect.ts';
import type { Statement } from '../../src/load/wire/statement.ts';
import type { Server } from '../../src/server/server.ts';
import { startTestServer } from './postgres.ts';

let server: Server;
let control: Client;

beforeAll(async () => {
  server = await startTestServer();
  control = new Client(server.connection());
  await control.connect();
});

afterAll(async () => {
  await control?.end();
  await server?.[Symbol.asyncDispose]();
});

const statement = (text: string, name = ''): Statement => ({ name, text });

async function withWire(use: (wire: WireConnection) => Promise<void>): Promise<void> {
  const wire = await openWire(server.connection());
  try {
    await use(wire);
  } finally {
    await wire.close();
  }
}

it('sends and reads values as pg does', () =>
  withWire(async ({ session }) => {
    const text = `SELECT $1::int4 AS whole, $2::float8 AS real, $3::text AS words, $4::bytea AS bytes, $5::jsonb AS record,
                         $6::text[] AS list, $7::timestamptz AS instant, $8::numeric AS exact, $9::bool AS flag, $10::text AS none`;
    const values = [
      -7,
      1.5,
      "naïve 'words' 🐘",
      Buffer.from([0, 1, 255]),
      { deep: [1, null] },
      ['a', 'b "c"'],
      new Date('2026-11-01T12:00:00.123Z'),
      '12345678901234567890.5',
      true,
      null,
    ];
    const known = statement(text, 'values');
    const rows = await session.execute(known, values);
    expect(rows).toEqual((await control.query(text, values)).rows);
    expect(await session.execute(known, values)).toEqual(rows);
  }));

it('carries values of megabytes in both directions', () =>
  withWire(async ({ session }) => {
    const long = 'ä'.repeat(3_000_000);
    const echo = statement('SELECT $1::text AS words FROM generate_series(1, 3)', 'echo');
    expect(await session.execute(echo, [long])).toEqual(Array.from({ length: 3 }, () => ({ words: long })));
    expect(await session.execute(echo, ['short'])).toHaveLength(3);
  }));

/** But for its length, which counts what is left out here. */
function fieldsOf(error: unknown): Record<string, unknown> {
  return { ...Object.fromEntries(Object.entries(error as Error)), message: (error as Error).message, length: 0 };
}

it("tells the server's errors as pg does, and goes on", () =>
  withWire(async ({ session }) => {
    await control.query('CREATE TABLE IF NOT EXISTS wires (id int PRIMARY KEY CHECK (id > 0))');
    for (const text of ['SELECT 1 FROM nowhere', 'INSERT INTO wires VALUES (0)', 'SELECT 1 / 0']) {
      const ours: unknown = await session.execute(statement(text)).catch((error: unknown) => error);
      const theirs: unknown = await control.query({ text, name: text }).catch((error: unknown) => error);
      expect(fieldsOf(ours)).toEqual(fieldsOf(theirs));
    }
    expect(await session.execute(statement('SELECT 2 AS two'))).toEqual([{ two: 2 }]);
  }));

it('refuses to be fed by COPY, takes none of what COPY gives, and goes on', () =>
  withWire(async ({ session }) => {
    await control.query('CREATE TABLE IF NOT EXISTS wires (id int PRIMARY KEY)');
    await expect(session.execute(statement('COPY wires FROM STDIN'))).rejects.toMatchObject({
      message: expect.stringContaining('COPY cannot be part of a load transaction') as string,
    });
    expect(await session.execute(statement('COPY (SELECT 1) TO STDOUT'))).toEqual([]);
    expect(await session.execute(statement('SELECT 2 AS two'))).toEqual([{ two: 2 }]);
  }));

it('fails what is under way when its backend is ended, and is closed then', () =>
  withWire(async (wire) => {
    const sleeping = wire.session.execute(statement('SELECT pg_sleep(60)'));
    const outcome = expect(sleeping).rejects.toMatchObject({ code: '57P01' });
    await expect
      .poll(async () => (await control.query('SELECT pg_terminate_backend($1, 1000) AS done', [wire.backendPid])).rows)
      .toEqual([{ done: true }]);
    await outcome;
    await expect.poll(() => wire.isOpen).toBe(false);
    await expect(wire.session.execute(statement('SELECT 1'))).rejects.toThrow(/terminated/);
  }));

it('closes at once while a statement is under way', async () => {
  const wire = await openWire(server.connection());
  const sleeping = wire.session.execute(statement('SELECT pg_sleep(60)'));
  const outcome = expect(sleeping).rejects.toThrow(/terminated/);
  await wire.close();
  await outcome;
  expect(wire.isOpen).toBe(false);
});

it('tells why it cannot be opened', async () => {
  await expect(openWire({ ...server.connection(), database: 'nowhere' })).rejects.toMatchObject({ code: '3D000' });
  await expect(openWire({ ...server.connection(), host: '127.0.0.1', port: 1 })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});
