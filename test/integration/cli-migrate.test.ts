/** `pgrehearse migrate` against a database that is already there: only one of ours, and only what the files say. */
import { appendFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, withClient } from '../../src/database.ts';
import type { Server } from '../../src/server/server.ts';
import { pgrehearse, projectRoot, shop } from './command.ts';
import { startTestServer, temporaryFolder } from './postgres.ts';

const place = join(projectRoot, 'test/fixtures', `migrated-shop-${process.pid}`);
const scenario = join(place, 'shop.ts');
let server: Server;

beforeAll(async () => {
  server = await startTestServer();
  await createDatabase(server, 'ours');
  await withClient(server.connection(), (client) => client.query('CREATE DATABASE theirs'));
  await mkdir(place, { recursive: true });
  await cp(join(projectRoot, 'test/fixtures/shop'), join(place, 'shop'), { recursive: true });
  const text = await readFile(join(projectRoot, shop), 'utf8');
  await writeFile(scenario, text.replace('test/fixtures/shop', `test/fixtures/migrated-shop-${process.pid}/shop`));
});
afterAll(async () => {
  await rm(place, { recursive: true, force: true });
  await server[Symbol.asyncDispose]();
});

function migrate(command: string, database: string, ...more: string[]) {
  const { host, port, user } = server.connection();
  const url = `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
  return pgrehearse(['migrate', command, scenario, '--database', url, ...more], '/dev/null/unused');
}

it('goes up to a version, shows the state, and down again', async () => {
  expect(await migrate('up', 'ours', '--to', '001')).toMatchObject({ exitCode: 0 });
  expect((await migrate('status', 'ours')).stdout).toMatch(/001 .*applied[\s\S]*002 .*pending/);
  expect(await migrate('up', 'ours')).toMatchObject({ exitCode: 0 });
  expect((await migrate('status', 'ours')).stdout).toMatch(/001 .*applied[\s\S]*002 .*applied/);
  const { stdout } = await migrate('down', 'ours', '--to', '001');
  expect(stdout).toMatch(/002_order_index {2}taken back {2}[\d.]+ (µs|ms|s)/);
});

it('refuses to write to a database that is not ours', async () => {
  const { exitCode, stderr } = await migrate('up', 'theirs');
  expect(stderr).toContain('theirs was not made by pgrehearse');
  expect(exitCode).toBe(2);
  const tables = await withClient(server.connection('theirs'), (client) =>
    client.query(`SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace OR relname = 'migrations'`),
  );
  expect(tables.rowCount).toBe(0);
});

it('names an applied migration that was changed afterwards', async () => {
  await migrate('up', 'ours');
  await appendFile(join(place, 'shop', '001_shop.up.sql'), '-- changed\n');
  for (const command of ['verify', 'up']) {
    const { exitCode, stderr } = await migrate(command, 'ours');
    expect(stderr).toContain('001_shop');
    expect(exitCode).toBe(2);
  }
  expect((await migrate('status', 'ours')).stdout).toMatch(/001 .*changed/);
});

it('verifies what has a down file, and only applies what has none', async () => {
  const files = {
    'V1__a.sql': 'CREATE TABLE a (id int);',
    'V1.9__b.sql': 'CREATE TABLE b (id int);',
    'U1.9__b.sql': 'DROP TABLE b;',
    'V1.10__c.sql': 'CREATE TABLE c (id int);',
  };
  await mkdir(join(place, 'flyway'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(place, 'flyway', name), text);
  const text = await readFile(scenario, 'utf8');
  const ofFlyway = join(place, 'flyway-shop.ts');
  await writeFile(ofFlyway, text.replace(`migrated-shop-${process.pid}/shop`, `migrated-shop-${process.pid}/flyway`));
  await using cache = await temporaryFolder();
  const { exitCode, stdout } = await pgrehearse(['migrate', 'verify', ofFlyway], cache.path);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/1_a  up; it has no down file .*\n1\.9_b  up, down, up .*\n1\.10_c  up; it has no down file/);
  expect(stdout).toContain('1 of 3 migrations go up, down and up again');
});

it('never shows the password of a URL', async () => {
  const url = 'postgres://somebody:hunter2@127.0.0.1:1/nowhere';
  const { exitCode, stderr, stdout } = await pgrehearse(
    ['migrate', 'status', scenario, '--database', url, '--verbose'],
    '/dev/null/unused',
  );
  expect(exitCode).toBe(5);
  expect(`${String(stderr)}${String(stdout)}`).not.toContain('hunter2');
});
