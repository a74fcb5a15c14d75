import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { lastWords, runArguments } from '../../src/server/docker/container.ts';
import { dockerFailure } from '../../src/server/docker/engine.ts';
import { mountPath, publishedHost } from '../../src/server/docker/image.ts';
import { reapLeftovers } from '../../src/server/leftovers.ts';
import { ownIdentity } from '../../src/server/processes.ts';
import { resolveProfile, settingsOf } from '../../src/server/profiles.ts';

describe('the arguments of a container', () => {
  const image = { name: 'postgres:18', id: 'sha256:1', mountPath: '/var/lib/postgresql', host: '127.0.0.1' };
  const postgres = { version: '18.4', major: 18 };
  const options = { image, limits: {}, postgres, volume: 'clone', settings: {}, cacheDir: '/cache' };

  it('publish on loopback, mount the volume, and pass no password', () => {
    const args = runArguments(options);
    expect(args).toContain('--publish=127.0.0.1::5432');
    expect(args).toContain('--mount=type=volume,source=clone,target=/var/lib/postgresql');
    expect(args).toContain('--env=POSTGRES_PASSWORD');
    expect(args.filter((argument) => /--memory|--cpus/.test(argument))).toEqual([]);
  });

  it('have the limits, the port and the settings', () => {
    const limits = { memoryBytes: 4 * 2 ** 30, cpus: 1.5 };
    const args = runArguments({ ...options, limits, port: 5433, settings: { work_mem: '8MB', fsync: false } });
    expect(args).toEqual(
      expect.arrayContaining([
        '--memory=4294967296',
        '--memory-swap=4294967296',
        '--cpus=1.5',
        '--publish=127.0.0.1:5433:5432',
      ]),
    );
    const program = args.slice(args.indexOf('sha256:1'));
    expect(program.slice(0, 2)).toEqual(['sha256:1', 'postgres']);
    expect(program.filter((argument) => argument.includes('='))).toEqual([
      'shared_preload_libraries=pg_stat_statements',
      'compute_query_id=on',
      'track_io_timing=on',
      'work_mem=8MB',
      'fsync=off',
    ]);
    expect(() => runArguments({ ...options, settings: { port: 1 } })).toThrow(
      'The setting port is chosen by pgrehearse',
    );
  });

  it('publish where another machine can be reached, if the engine is there', () => {
    const there = { ...image, host: 'build.test' };
    expect(runArguments({ ...options, image: there })).toContain('--publish=5432');
    expect(runArguments({ ...options, image: there, port: 5433 })).toContain('--publish=5433:5432');
  });
});

describe('docker-compose.yml', () => {
  it('has the settings of the profile tuned for its 4 GB and two cores, and publishes on loopback only', async () => {
    const text = await readFile(join(import.meta.dirname, '../../docker-compose.yml'), 'utf8');
    const settings = [...text.matchAll(/^ +- -c(\w+)=(.+)$/gm)].map(([, name, value]) => [name, value]);
    const host = { cpuModel: '', cores: 2, memoryBytes: 4 * 2 ** 30, os: '', kernel: '', arch: '' };
    const tuned = resolveProfile('tuned', host, { connections: 180, major: 18 });
    expect(Object.fromEntries(settings)).toEqual(settingsOf(tuned));
    expect(text).toMatch(/mem_limit: 4g\n +cpus: 2\n/);
    const published = [...text.matchAll(/^ +- (\S+):\d+:\d+$/gm)].map(([, address]) => address);
    expect(published).toEqual(['127.0.0.1', '127.0.0.1']);
  });
});

describe('where a container is reached', () => {
  it.each([
    ['unix:///var/run/docker.sock', '127.0.0.1'],
    ['npipe:////./pipe/docker_engine', '127.0.0.1'],
    ['tcp://localhost:2375', '127.0.0.1'],
    ['tcp://build.test:2376', 'build.test'],
    ['ssh://me@build.test', 'build.test'],
    ['tcp://[fd00::5]:2375', 'fd00::5'],
  ])('%s is %s', (address, host) => expect(publishedHost(address)).toBe(host));
});

describe('where the data of an image lies', () => {
  it.each([
    [['PGDATA=/var/lib/postgresql/18/docker'], ['/var/lib/postgresql'], '/var/lib/postgresql'],
    [['PGDATA=/var/lib/postgresql/data'], ['/var/lib/postgresql/data'], '/var/lib/postgresql/data'],
    [['A=1', 'PGDATA=/home/postgres/pgdata/data'], ['/home/postgres/pg'], '/home/postgres/pgdata/data'],
    [[], [], '/var/lib/postgresql/data'],
  ])('%j, %j: %s', (Env, volumes, path) => {
    const Volumes = Object.fromEntries(volumes.map((volume) => [volume, {}]));
    expect(mountPath({ Env, Volumes })).toBe(path);
  });

  it('is known also when an image says nothing', () => {
    expect(mountPath({ Env: null, Volumes: null })).toBe('/var/lib/postgresql/data');
  });
});

describe('what a failed command means', () => {
  it.each([
    ['ENOENT', '', 'The docker command was not found on PATH.'],
    [
      undefined,
      'Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?\n',
      'No Docker engine answers: Cannot connect to the Docker daemon at unix:///x.sock.',
    ],
    [
      undefined,
      'permission denied while trying to connect to the Docker daemon socket at unix:///x.sock',
      'No Docker engine answers: permission denied while trying to connect to the Docker daemon socket at unix:///x.sock.',
    ],
    [
      undefined,
      "docker: Error response from daemon: port is already allocated.\nSee 'docker run --help'.",
      'docker run failed: Error response from daemon: port is already allocated.',
    ],
    [undefined, '', 'docker run failed: it said nothing.'],
  ])('%s, %j', (code, stderr, message) => {
    const failure = dockerFailure('run', code, stderr);
    expect(failure.message).toBe(message);
    expect(failure.exitCode).toBe(5);
    expect(failure.hint).toMatch(/^[A-Z].*\.$/);
  });
});

describe('the last words of a container', () => {
  it.each([
    ['', 'its log is empty'],
    ['a\nb\n', 'b'],
    [
      '2026-01-01 UTC [1] FATAL:  unrecognized configuration parameter "x"\nshutting down\n',
      'FATAL:  unrecognized configuration parameter "x"',
    ],
    ['Error: Database is uninitialized.\n', 'Error: Database is uninitialized'],
  ])('%j', (log, words) => expect(lastWords(log)).toBe(words));
});

/** A script in the place of the docker command, for what no engine does at a wish. */
describe.skipIf(process.platform === 'win32')('what a killed run left on an engine', () => {
  let folder = '';
  const path = process.env['PATH'];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgrehearse-docker-'));
    await mkdir(join(folder, 'running'));
    for (const [name, kind] of [
      ['a', 'volume'],
      ['b', 'container'],
    ] as const) {
      const holder = { ...ownIdentity(), pid: 2 ** 22 + 1, started: '1' };
      const subject = { kind, name: `pgrehearse-${name}`, engine: { DOCKER_HOST: 'tcp://there' } };
      await writeFile(join(folder, 'running', `${name}.json`), JSON.stringify({ holder, subject }));
    }
    process.env['PATH'] = `${folder}${delimiter}${path}`;
  });
  afterEach(async () => {
    process.env['PATH'] = path;
    await rm(folder, { recursive: true });
  });

  const command = (body: string) => writeFile(join(folder, 'docker'), `#!/bin/sh\n${body}\n`, { mode: 0o755 });

  it('goes, the container before its volume, by the engine on which it was made', async () => {
    await command(`echo "$DOCKER_HOST $*" >> ${folder}/log; echo id`);
    expect(await reapLeftovers(folder)).toEqual([
      `An earlier run (process ${2 ** 22 + 1}) was killed: removed its container pgrehearse-b and removed its volume pgrehearse-a.`,
    ]);
    expect((await readFile(join(folder, 'log'), 'utf8')).trim().split('\n')).toEqual([
      'tcp://there container ls --quiet --all --filter name=pgrehearse-b',
      'tcp://there rm --force --volumes pgrehearse-b',
      'tcp://there volume ls --quiet --filter name=pgrehearse-a',
      'tcp://there volume rm --force pgrehearse-a',
    ]);
    expect(await readdir(join(folder, 'running'))).toEqual([]);
  });

  it('stays on record while the engine does not answer', async () => {
    await command('echo "Cannot connect to the Docker daemon" >&2; exit 1');
    expect(await reapLeftovers(folder)).toEqual([]);
    expect(await readdir(join(folder, 'running'))).toHaveLength(2);
  });

  it('is forgotten when it is gone', async () => {
    await command('exit 0');
    expect(await reapLeftovers(folder)).toEqual([]);
    expect(await readdir(join(folder, 'running'))).toEqual([]);
  });
});
