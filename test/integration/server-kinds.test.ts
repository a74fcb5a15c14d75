/** The same expectations of every server. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createDatabase, databaseName, withClient } from '../../src/database.ts';
import type { RunResult } from '../../src/result.ts';
import { dropSnapshot } from '../../src/server/docker/snapshots.ts';
import { startEmbedded } from '../../src/server/embedded.ts';
import { pgrehearse, projectRoot, shop } from './command.ts';
import { temporaryFolder } from './postgres.ts';
import { majorsFolder, serversUnderTest } from './servers.ts';

const modest = { fsync: false, shared_buffers: '32MB', max_connections: 20 };

const resources = new AsyncDisposableStack();
afterAll(() => resources.disposeAsync());

describe.concurrent.each(await serversUnderTest(resources))('$name', ({ kind, choice, flags, missing }) => {
  it.skipIf(missing || choice === undefined)('starts, counts statements, changes settings, sorts', async () => {
    await using folder = await temporaryFolder();
    await using server = await startEmbedded({
      dataDir: join(folder.path, 'data'),
      cacheDir: join(folder.path, 'cache'),
      settings: modest,
      choice: choice!,
      scratch: true,
    });
    expect(server.kind).toBe(kind);
    if (choice?.major !== undefined) expect(server.major).toBe(choice.major);
    await createDatabase(server, databaseName);
    const ask = async (sql: string): Promise<unknown> =>
      withClient(
        server.connection(databaseName),
        async (client) => Object.values((await client.query(sql)).rows[0])[0],
      );

    expect(await ask('SHOW server_version_num')).toMatch(new RegExp(`^${server.major}`));
    expect(await ask('SHOW data_checksums')).toBe('on');
    const names = `FROM (VALUES ('b'), ('B'), ('a'), ('é')) AS t (name)`;
    expect(await ask(`SELECT string_agg(name, '' ORDER BY name) ${names}`)).toBe('Babé');
    await ask('SELECT 41 + 1');
    const counted = `FROM pgrehearse.pg_stat_statements WHERE query LIKE 'SELECT $1 + $2'`;
    expect(await ask(`SELECT sum(calls)::int ${counted}`)).toBe(1);

    await server.restart({ ...modest, work_mem: '5MB' });
    expect(await ask('SHOW work_mem')).toBe('5MB');
  });

  it.skipIf(missing)('carries out a whole run', async () => {
    await using folder = await temporaryFolder();
    const out = join(folder.path, 'out');
    const small = [
      '--quick',
      '--scale',
      '0.1',
      '--rate',
      '50',
      '--connections',
      '4',
      '--duration',
      '1s',
      '--preset',
      'none',
    ];
    const chosen = await flags();
    const { exitCode, stderr } = await pgrehearse(
      ['run', join(projectRoot, shop), ...small, ...chosen, '--out', out],
      join(folder.path, 'cache'),
      { cwd: majorsFolder },
    );
    expect([0, 1, 3, 4], String(stderr)).toContain(exitCode);
    const result = JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as RunResult;
    expect(result.status).toBe('complete');
    expect(result.server.kind).toBe(kind);
    expect(result.blocks.map(({ counts }) => counts.failed)).toEqual([0, 0]);
    // Of a server that is not ours nobody knows which processes it has.
    const isKnown = process.platform === 'linux' && kind !== 'external';
    expect(result.blocks.map(({ host }) => host !== undefined)).toEqual([isKnown, isKnown]);
    expect(result.answers.every(({ different }) => different === 0)).toBe(true);
    expect(result.invariants.every(({ holds }) => holds)).toBe(true);
    expect(JSON.stringify(result)).not.toContain('little:little');
    // Everywhere else they go with the cache, or with the server.
    if (kind === 'docker') for (const { snapshotKey } of result.stages) await dropSnapshot(snapshotKey);
  });
});
