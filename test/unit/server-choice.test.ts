import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverChoice } from '../../src/server/choice.ts';
import { findInstalled, listInstalled } from '../../src/server/installed.ts';

describe('--server and --pg', () => {
  it.each([
    [undefined, undefined, { kind: 'embedded' }],
    ['embedded', 17, { kind: 'embedded', major: 17 }],
    ['installed', 15, { kind: 'installed', major: 15 }],
    ['installed:/opt/pg/bin', undefined, { kind: 'installed', folder: '/opt/pg/bin' }],
    ['installed:C:\\pg\\bin', undefined, { kind: 'installed', folder: 'C:\\pg\\bin' }],
    ['docker', undefined, { kind: 'docker', image: 'postgres:18', limits: {} }],
    ['docker', 16, { kind: 'docker', image: 'postgres:16', major: 16, limits: {} }],
    ['docker:registry.test:5000/a/b:1', undefined, { kind: 'docker', image: 'registry.test:5000/a/b:1', limits: {} }],
  ])('%s, %s', (text, major, choice) => {
    expect(serverChoice(text, major)).toEqual(choice);
  });

  it.each([
    ['instaled', undefined, 'There is no server "instaled".'],
    ['installed:', undefined, 'There is no server "installed:".'],
    ['embedded', 14, 'There is no PostgreSQL 14 to be had here.'],
    ['docker:', undefined, 'There is no server "docker:".'],
  ])('refuses %s, %s', (text, major, message) => {
    expect(() => serverChoice(text, major)).toThrow(message);
  });

  it('keeps limits for containers', () => {
    const limits = { memoryBytes: 2 ** 30, cpus: 2 };
    expect(serverChoice('docker:a', undefined, limits)).toEqual({ kind: 'docker', image: 'a', limits });
    expect(() => serverChoice('installed', undefined, { cpus: 2 })).toThrow('Only a container has limits');
  });
});

/** Programs that tell their version stand in for installations. */
describe.skipIf(process.platform === 'win32')('finding an installed PostgreSQL', () => {
  let root = '';

  async function install(
    folder: string,
    version: string,
    programs = ['initdb', 'pg_ctl', 'postgres'],
  ): Promise<string> {
    const path = join(root, folder);
    await mkdir(path, { recursive: true });
    for (const name of programs) {
      await writeFile(join(path, name), `#!/bin/sh\necho "postgres (PostgreSQL) ${version} (Debian)"\n`, {
        mode: 0o755,
      });
    }
    return path;
  }

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'pgrehearse-installed-'));
    await chmod(root, 0o755);
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('prefers PATH, then the newest of the usual folders, and passes over clients and unknown majors', async () => {
    const onPath = await install('path', '16.3');
    const clients = await install('clients', '18.0', ['psql', 'pg_ctl']);
    await install('roots/14/bin', '14.9');
    await install('roots/15/bin', '15.2');
    await install('roots/postgresql@17/bin', '17beta1');
    const places = { path: [clients, onPath], roots: [{ root: join(root, 'roots'), inside: 'bin' }] };
    const found = await listInstalled(places);
    expect(found.map(({ version }) => version)).toEqual(['16.3', '17beta1', '15.2', '14.9']);
    expect((await findInstalled({}, places)).version).toBe('16.3');
    expect((await findInstalled({}, { ...places, path: [] })).version).toBe('17beta1');
    expect((await findInstalled({ major: 15 }, places)).postgres).toBe(join(root, 'roots/15/bin/postgres'));
    await expect(findInstalled({ major: 18 }, places)).rejects.toThrow(
      'No installed PostgreSQL 18 was found on PATH, by pg_config or in the usual folders. Found: 16.3, 17beta1, 15.2, 14.9.',
    );
  });

  it('asks pg_config where the programs are', async () => {
    const programs = await install('by-config', '17.1');
    const path = join(root, 'config');
    await mkdir(path);
    await writeFile(join(path, 'pg_config'), `#!/bin/sh\n[ "$1" = --bindir ] && echo ${programs}\n`, { mode: 0o755 });
    expect((await findInstalled({}, { path: [path], roots: [] })).postgres).toBe(join(programs, 'postgres'));
  });

  it('takes a named folder or tells what is wrong with it', async () => {
    const old = await install('old', '13.4');
    const named = await install('named', '16.1');
    expect((await findInstalled({ folder: named })).version).toBe('16.1');
    await expect(findInstalled({ folder: old })).rejects.toThrow('holds PostgreSQL 13.4; pgrehearse knows 15 to 18.');
    await expect(findInstalled({ folder: named, major: 17 })).rejects.toThrow('holds PostgreSQL 16.1, not 17.');
    await expect(findInstalled({ folder: join(root, 'nowhere') })).rejects.toThrow('does not run here');
  });
});
