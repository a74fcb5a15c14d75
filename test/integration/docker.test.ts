/** PostgreSQL in containers, where there is an engine with the image; and what is told where there is none. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createDatabase, databaseName, withClient } from '../../src/database.ts';
import { EnvironmentError, messageOf } from '../../src/errors.ts';
import { docker } from '../../src/server/docker/engine.ts';
import { startDocker } from '../../src/server/docker/container.ts';
import { findImage, type LocatedImage } from '../../src/server/docker/image.ts';
import { DockerSnapshots, dropSnapshot, listSnapshots, ownVolume } from '../../src/server/docker/snapshots.ts';
import { reapLeftovers } from '../../src/server/leftovers.ts';
import { commandOf } from '../../src/server/processes.ts';
import type { Server } from '../../src/server/server.ts';
import { pgrehearse, projectRoot, shop } from './command.ts';
import { temporaryFolder } from './postgres.ts';
import { dockerImage } from './servers.ts';

let located: LocatedImage | undefined;
let missing = '';
try {
  located = await findImage(dockerImage);
} catch (error) {
  missing = `, skipped: ${messageOf(error)}`;
}

const modest = { fsync: false, shared_buffers: '32MB', max_connections: 20 };

async function ask(server: Server, sql: string): Promise<unknown> {
  const { rows } = await withClient(server.connection(databaseName), (client) => client.query(sql));
  return Object.values(rows[0])[0];
}

/** Names of what is left of one process on the engine. */
async function leftOf(pid: number): Promise<string[]> {
  const containers = await docker(['container', 'ls', '--all', '--format', '{{.Names}}', '--filter', `name=-${pid}-`]);
  const volumes = await docker(['volume', 'ls', '--quiet', '--filter', `name=-${pid}-`]);
  return `${containers}\n${volumes}`.split('\n').filter((name) => name !== '');
}

describe.skipIf(located === undefined)(`a server in Docker${missing}`, () => {
  test('has its limits and settings, keeps its data in snapshots, and leaves nothing', async () => {
    await using cache = await temporaryFolder();
    const { image, postgres } = located!;
    const start = (volume: string, settings = {}) =>
      startDocker({
        image,
        postgres,
        volume,
        settings: { ...modest, ...settings },
        limits: { memoryBytes: 300 * 2 ** 20, cpus: 1 },
        cacheDir: cache.path,
      });
    const store = new DockerSnapshots(image, cache.path);
    const parts = { test: cache.path };
    const build = async (volume: string) => {
      await using server = await start(volume);
      await createDatabase(server, databaseName);
      await ask(server, 'SELECT 41 + 1');
      const counted = `SELECT sum(calls)::int FROM pgrehearse.pg_stat_statements WHERE query LIKE 'SELECT $1 + $2'`;
      expect(await ask(server, counted)).toBe(1);
      await withClient(server.connection(databaseName), (client) => client.query('CREATE TABLE kept AS SELECT 7 AS n'));
      await server.shutDown();
      return { rows: 1 };
    };
    const snapshot = await store.build(parts, build);
    await using _ = { [Symbol.asyncDispose]: () => dropSnapshot(snapshot.key) };
    expect(snapshot).toMatchObject({ cached: false, details: { rows: 1 } });
    expect(await store.build(parts, () => Promise.reject(new Error('built twice')))).toMatchObject({ cached: true });
    expect((await listSnapshots()).map(({ key }) => key)).toContain(snapshot.key);

    {
      await using clone = await ownVolume(cache.path, 'clone');
      expect(await store.clone(snapshot, clone.name)).toMatchObject({ bytes: snapshot.bytes });
      await using server = await start(clone.name, { work_mem: '5MB' });
      expect(server.major).toBe(postgres.major);
      expect(await ask(server, 'SELECT n FROM kept')).toBe(7);
      expect(await ask(server, 'SHOW work_mem')).toBe('5MB');
      expect(await ask(server, 'SHOW data_checksums')).toBe('on');
      const names = `(VALUES ('b'), ('B'), ('a'), ('é')) AS t (name)`;
      expect(await ask(server, `SELECT string_agg(name, '' ORDER BY name) FROM ${names}`)).toBe('Babé');
      const container = (await leftOf(process.pid)).find((name) => /^pgrehearse-\d/.test(name));
      const limits = await docker([
        'inspect',
        '--format',
        '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}',
        container!,
      ]);
      expect(limits).toBe(`${300 * 2 ** 20} 1000000000`);
      // Ids of the container's own must not be taken for those of processes here.
      expect(server.pid).toBe(undefined);
      for (const pid of server.processes) expect(commandOf(pid)).toMatch(/^postgres |docker-proxy /);
      expect(await docker(['port', container!])).toMatch(/^5432\/tcp -> 127\.0\.0\.1:\d+$/);

      const wrong = { ...server.connection(), password: 'wrong' };
      await expect(withClient(wrong, async () => {})).rejects.toThrow('password authentication failed');
      await docker(['kill', container!]);
      const explained = await server.explain(new Error('Connection terminated unexpectedly'));
      expect(explained).toBeInstanceOf(EnvironmentError);
      expect(messageOf(explained)).toContain('PostgreSQL in its container ended with code 137');
    }
    await dropSnapshot(snapshot.key);
    await expect(store.clone(snapshot, 'nowhere')).rejects.toThrow('was dropped');
    expect(await leftOf(process.pid)).toEqual([]);
  });

  test('that does not start tells why, and is gone', async () => {
    await using cache = await temporaryFolder();
    await using volume = await ownVolume(cache.path, 'clone');
    const start = startDocker({
      ...located!,
      volume: volume.name,
      settings: { shared_buffers: 'much' },
      limits: {},
      cacheDir: cache.path,
    });
    await expect(start).rejects.toThrow('invalid value for parameter "shared_buffers": "much"');
    expect(await leftOf(process.pid)).toEqual([volume.name]);
  });

  test.each([
    ['SIGINT', [130, 0]],
    ['SIGKILL', [0, 2]],
  ] as const)('after %s nothing is left: %j', async (signal, [exitCode, found]) => {
    await using cache = await temporaryFolder();
    const run = pgrehearse(
      ['seed', join(projectRoot, shop), '--scale', '0.1', '--server', `docker:${dockerImage}`],
      cache.path,
    );
    while ((await leftOf(run.pid!)).length < 2) await sleep(50);
    run.kill(signal);
    const result = await run;
    if (signal === 'SIGINT') expect(result.exitCode, String(result.stderr)).toBe(exitCode);
    const told = await reapLeftovers(cache.path);
    expect(told.join(' ').match(/removed its/g) ?? []).toHaveLength(found);
    expect(await leftOf(run.pid!)).toEqual([]);
  });

  test('whose image is not there is told, with the command that gets it', async () => {
    await using cache = await temporaryFolder();
    const { exitCode, stderr } = await pgrehearse(['seed', shop, '--server', 'docker:not-there:1'], cache.path);
    expect(exitCode).toBe(5);
    expect(stderr).toContain('The Docker engine does not have the image not-there:1.');
    expect(stderr).toContain('docker pull not-there:1');
  });
});

describe.skipIf(process.platform === 'win32')('without Docker', () => {
  test('the missing command is told', async () => {
    await using folder = await temporaryFolder();
    const env = { PGREHEARSE_CACHE: folder.path, PATH: folder.path };
    const { exitCode, stderr } = await pgrehearse(['seed', shop, '--server', 'docker'], folder.path, { env });
    expect(exitCode).toBe(5);
    expect(stderr).toContain('The docker command was not found on PATH.');
  });

  test.skipIf(!hasCommand())('the stopped engine is told', async () => {
    await using folder = await temporaryFolder();
    const env = { PGREHEARSE_CACHE: folder.path, DOCKER_HOST: `unix://${folder.path}/none.sock` };
    const { exitCode, stderr } = await pgrehearse(['seed', shop, '--server', 'docker'], folder.path, { env });
    expect(exitCode).toBe(5);
    expect(stderr).toContain('No Docker engine answers:');
    expect(stderr).toContain('`docker version`');
  });
});

function hasCommand(): boolean {
  try {
    execFileSync('docker', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
