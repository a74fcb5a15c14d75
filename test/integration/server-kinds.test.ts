/** The same expectations of every server that we start ourselves. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDatabase, databaseName, withClient } from '../../src/database.ts';
import { startEmbedded } from '../../src/server/embedded.ts';
import { temporaryFolder } from './postgres.ts';
import { serversUnderTest } from './servers.ts';

const modest = { fsync: false, shared_buffers: '32MB', max_connections: 20 };

describe.each(await serversUnderTest())('$name', ({ choice, missing }) => {
  it.skipIf(missing !== undefined)('starts, counts statements, changes settings, sorts by code point', async () => {
    await using folder = await temporaryFolder();
    await using server = await startEmbedded({
      dataDir: join(folder.path, 'data'),
      cacheDir: join(folder.path, 'cache'),
      settings: modest,
      choice,
      scratch: true,
    });
    expect(server.kind).toBe(choice.kind);
    if (choice.major !== undefined) expect(server.major).toBe(choice.major);
    await createDatabase(server, databaseName);
    const ask = async (sql: string): Promise<unknown> =>
      withClient(
        server.connection(databaseName),
        async (client) => Object.values((await client.query(sql)).rows[0])[0],
      );

    expect(await ask('SHOW server_version_num')).toMatch(new RegExp(`^${server.major}`));
    expect(await ask('SHOW data_checksums')).toBe('on');
    expect(
      await ask(`SELECT string_agg(name, '' ORDER BY name) FROM (VALUES ('b'), ('B'), ('a'), ('é')) AS t (name)`),
    ).toBe('Babé');
    await ask('SELECT 41 + 1');
    expect(
      await ask(`SELECT sum(calls)::int FROM pgrehearse.pg_stat_statements WHERE query LIKE 'SELECT $1 + $2'`),
    ).toBe(1);

    await server.restart({ ...modest, work_mem: '5MB' });
    expect(await ask('SHOW work_mem')).toBe('5MB');
  });
});
