import { stat } from 'node:fs/promises';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { startTestServer } from './postgres.ts';
import type { Server } from '../../src/server/server.ts';

async function ask(server: Server, sql: string): Promise<unknown> {
  const client = new Client(server.connection());
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

test('a server starts with the given settings, restarts with others, and leaves nothing behind', async () => {
  const server = await startTestServer({ work_mem: '5MB' });
  const { dataDir } = server;
  expect(await ask(server, 'show work_mem')).toBe('5MB');
  expect(await ask(server, 'show shared_preload_libraries')).toBe('pg_stat_statements');
  expect(await ask(server, 'show listen_addresses')).toBe('127.0.0.1');
  expect(await ask(server, 'show data_checksums')).toBe('on');
  expect(await ask(server, 'show server_version')).toBe(server.version);
  await server.restart({ work_mem: '6MB', fsync: false });
  expect(await ask(server, 'show work_mem')).toBe('6MB');
  await server[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await expect(stat(dataDir)).rejects.toThrow('ENOENT');
});
