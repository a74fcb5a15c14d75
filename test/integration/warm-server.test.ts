/** A server is brought into the state of one that has been at work: buffers filled, WAL files to write over, nothing left to write out. */
import type { Client } from 'pg';
import { expect, test } from 'vitest';
import { withClient } from '../../src/database.ts';
import { warmServer } from '../../src/warm-server.ts';
import { startTestServer } from './postgres.ts';

const mebibyte = 2 ** 20;

/** Nothing of a table that is made so goes through the WAL. */
const settings = { wal_level: 'minimal', max_wal_senders: 0, wal_skip_threshold: 0, min_wal_size: '256MB' };

/** A table of 64 MB. */
async function fill(client: Client): Promise<void> {
  await client.query('CREATE SCHEMA pgrehearse');
  await client.query(
    `CREATE TABLE wide AS SELECT i AS id, repeat('x', 1000) AS filler FROM generate_series(1, 57000) AS i`,
  );
}

async function walFiles(client: Client): Promise<{ files: number; ahead: number }> {
  const { rows } = await client.query<{ files: number; ahead: number }>(`
    SELECT count(*)::int AS files, count(*) FILTER (WHERE name > pg_walfile_name(pg_current_wal_lsn()))::int AS ahead
      FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'`);
  return rows[0]!;
}

test('buffers are filled with what fits, and WAL files lie ahead', async () => {
  await using server = await startTestServer({ ...settings, shared_buffers: '96MB' });
  const connection = server.connection();
  await withClient(connection, fill);
  await server.restart();
  await withClient(connection, async (client) => {
    expect(await walFiles(client)).toEqual({ files: 1, ahead: 0 });
    const { bufferBytes, walFiles: made } = await warmServer(server, connection);
    expect(bufferBytes).toBeGreaterThan(60 * mebibyte);
    expect(bufferBytes).toBeLessThan(0.8 * 96 * mebibyte);
    // As many as the database is large: 64 MB and what is in every database.
    expect(made).toBe(3);
    expect((await walFiles(client)).ahead).toBeGreaterThanOrEqual(3);
    const { rows: reads } = await client.query(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT count(filler) FROM wide`,
    );
    const [plan] = reads[0]['QUERY PLAN'] as [{ Plan: Record<string, number> }];
    expect(plan.Plan['Shared Read Blocks']).toBe(0);
    expect(await warmServer(server, connection)).toMatchObject({ walFiles: 0 });
  });
});

test('no WAL is switched on a server that is not ours, and none where nothing is kept to write over', async () => {
  await using server = await startTestServer(settings);
  const connection = server.connection();
  await withClient(connection, fill);
  expect(await warmServer({ kind: 'external' }, connection)).toMatchObject({ walFiles: 0 });
  await server.restart({ ...settings, wal_recycle: false });
  expect(await warmServer(server, connection)).toMatchObject({ walFiles: 0 });
});
