import { afterAll, beforeAll, expect, it } from 'vitest';
import { takeReadings } from '../../src/readings.ts';
import { readings } from '../../src/report/markdown-readings.ts';
import { runResultSchema } from '../../src/result-schema.ts';
import type { ReadingSpec } from '../../src/scenario.ts';
import type { Server } from '../../src/server/server.ts';
import { buildResult } from '../unit/result-fixture.ts';
import { startTestServer } from './postgres.ts';

let server: Server;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

const reading = (sql: string, unit: ReadingSpec['unit'], stages?: string[]): ReadingSpec => ({
  description: `answer of ${unit}`,
  sql,
  unit,
  ...(stages === undefined ? {} : { stages }),
});

const take = (specs: Record<string, ReadingSpec>) =>
  takeReadings(specs, { stage: 'after', connection: server.connection() });

it('reads numbers of every type that PostgreSQL has, and keeps why there is none', async () => {
  const taken = await take({
    age: reading('SELECT 1.5::numeric', 's'),
    size: reading('SELECT 2048::bigint', 'bytes'),
    part: reading('SELECT 0.25::float8', 'share', ['before', 'after']),
    elsewhere: reading('SELECT 1', 'count', ['before']),
    nothing: reading('SELECT NULL', 'rows'),
    two: reading('SELECT 1 UNION ALL SELECT 2', 'rows'),
    broken: reading('SELECT 1 / 0', 'ms'),
  });
  expect(taken.map(({ name, value, error }) => [name, value ?? error])).toEqual([
    ['age', 1.5],
    ['size', 2048],
    ['part', 0.25],
    ['nothing', expect.stringContaining('one number')],
    ['two', expect.stringContaining('one number')],
    ['broken', 'division by zero'],
  ]);
  const result = { ...buildResult(), readings: taken };
  expect(runResultSchema.parse(result).readings).toEqual(taken);
  const text = readings(result);
  for (const part of ['1.5 s', '2 KiB', '25 %', 'failed: division by zero']) expect(text).toContain(part);
});

it('throws when the server cannot be reached, and keeps the message of a backend that was ended', async () => {
  const connection = { ...server.connection(), port: 1 };
  await expect(takeReadings({ a: reading('SELECT 1', 'count') }, { stage: 'after', connection })).rejects.toThrow();
  await expect(
    take({ a: reading('SELECT pg_terminate_backend(pg_backend_pid())::int', 'count') }),
  ).resolves.toMatchObject([{ error: expect.stringContaining('terminating') }]);
});
